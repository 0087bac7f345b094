"""Fit the 68 landmarks of a face, and say whether they can be trusted."""

import numpy as np

from pipeline.faces import dlib_models
from pipeline.faces.boxes import Box
from pipeline.landmarks import landmark_quality as quality


def fit_landmarks(image: np.ndarray, box: Box, predictor: str, max_refinements: int) -> tuple[np.ndarray, str]:
    """Predict the landmarks of a face, then predict them again in the box that fits them, until they stay in place.

    The result depends little on where the box came from. If the box is the whole photo, refining takes a third off the
    error. In a box without a face the landmarks rarely settle.

    Args:
        image: Photo (h, w, 3) uint8 RGB.
        box: The face's box (left, top, right, bottom) in pixels of the image.
        predictor: Path of a 68-point dlib model.
        max_refinements: Largest number of further predictions. With 0 the first prediction is trusted.

    Returns:
        Landmarks (68, 2) as (x, y) in pixels of the image, and the reason not to trust them, which is empty if they can be
        trusted.
    """
    points = dlib_models.predict(image, box, predictor)
    if max_refinements == 0:
        return points, quality.implausibility(points, box)
    for _ in range(max_refinements):
        if reason := quality.implausibility(points, box):
            return points, reason
        before, box = points, quality.box_around(points)
        points = dlib_models.predict(image, box, predictor)
        if quality.disagreement(before, points) < quality.SETTLED:
            return points, quality.implausibility(points, box)
    looks = max_refinements + 1
    return points, f"landmarks did not settle in {looks} looks: probably no face, or hardly visible"
