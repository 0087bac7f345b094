"""The codebook: which action units an expression shows, and where on the 68 landmarks each action unit lies.

A codebook is a YAML file that a FACS expert writes; ``pipeline/codebooks/README.md`` explains the format. The file is data:
nothing in it is executed. This room reads and checks a codebook (``loading``, ``schema``, ``geometry``), describes it
(``describe``, ``draw``) and renders heatmaps from it (``rendering``).
"""

from pipeline.codebook.codebook import Codebook
from pipeline.codebook.loading import CodebookError, find, load, shipped

__all__ = ["Codebook", "CodebookError", "find", "load", "shipped"]
