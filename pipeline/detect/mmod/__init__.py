"""dlib's CNN face detector (max-margin object detection, MMOD), computed with numpy.

dlib's wheels come without a BLAS and take seven times as long. The boxes are those of dlib; confidences differ by rounding.
``weights`` reads dlib's file, ``pyramid`` lays a photo out at all sizes, ``network`` computes a score for each place there,
and ``detector`` turns the scores into faces. Docstrings name the source of a formula by its path in dlib 20.
"""

from pipeline.detect.mmod.detector import detect

__all__ = ["detect"]
