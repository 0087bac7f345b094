"""A classifier's answer to one face, with all that explains it."""

import math
from dataclasses import dataclass, field

import numpy as np

from pipeline.faces.boxes import Box
from train.explain.answers.pictures import draw_face
from train.explain.answers.words import Unit

NOTHING = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class FaceExplanation:
    """A classifier's answer to one face of a photo; without a face, only the status, the reason and perhaps the box.

    Attributes:
        status: A Status.
        reason: Why there is no answer; empty if the status is ok.
        box: (left, top, right, bottom) in pixels of the photo.
        landmarks: (68, 2), (x, y) in pixels of the photo.
        expression: The most probable class.
        probability: Its probability.
        probabilities: The probability of each class, in the order of the classifier's classes.
        units: The action units of the codebook, in the order of their numbers.
        crop: (S, S, 3) uint8 RGB, the aligned face that the classifier saw.
        attention: (n, n) in [0, 1], attention of the last layer.
        class_map: (n, n) in [0, 1], the class activation map of the answer.
        regions: (U, n, n) bool, the region of each unit.
        sentence: The answer in words.
    """

    status: str
    reason: str = ""
    box: Box | None = None
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros((68, 2), np.float32))
    expression: str = ""
    probability: float = math.nan
    probabilities: dict[str, float] = field(default_factory=dict)
    units: tuple[Unit, ...] = ()
    crop: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    attention: np.ndarray = field(default_factory=lambda: NOTHING)
    class_map: np.ndarray = field(default_factory=lambda: NOTHING)
    regions: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), bool))
    sentence: str = ""

    def picture(self, photo: np.ndarray | None = None, scale: float = 1.0) -> np.ndarray:
        """Draw the answer: (h, w, 3) uint8 RGB.

        Args:
            photo: The photo (h, w, 3) uint8 RGB, in which the face's box and landmarks are drawn; None shows the crop alone.
            scale: Pixels of ``photo`` for each pixel of the photo that was explained.
        """
        return draw_face(self, photo, scale)
