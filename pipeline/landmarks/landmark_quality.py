"""Could these 68 landmarks be a face? What a predictor says of a place without one should not be trained on.

A predictor draws a face wherever it looks: on 1,548 boxes without one (1,248 beside the faces, 300 on blurred noise), shape,
roll, size and place of the landmarks spread as they do on 1,154 faces that two detectors agree on (see below). Therefore
``implausibility`` finds only landmarks that no face can have: broken or mixed-up points, and bad boxes.

What does tell faces from other places is whether the predictor stays where it is when it looks again (``disagreement``).
Within four looks it settles below SETTLED on all of 397 faces, and on 99 % of them from a box that is the whole photo; on
29 % of 624 boxes beside the faces (skin, hair, background), on none of plain grey or white noise, but on half of those of
blurred noise.

                                          faces, 1 to 99 % (all)            no face, 1 to 99 %
    shape's distance from the mean face   0.06 to 0.33 (0.03 to 0.40)       0.06 to 0.31
    roll, degrees                         0 to 15 (0 to 28)                 0 to 24
    size over the box's side              0.28 to 0.43 (0.27 to 0.46)       0.28 to 0.41
    centre's distance from the box's      -0.01 to 0.18 (-0.04 to 0.21)     -0.03 to 0.15
"""

from functools import cache

import numpy as np

from pipeline.faces.boxes import Box, area, centre
from pipeline.faces.mean_face import mean_face

# Limits, each far enough from every face measured that a roll of another 45 degrees, or a box by another hand, passes.
SHAPE = 0.55  # of 1: how much of the points' spread the mean face, placed as well as it can be, leaves unexplained
ROLL = 75.0  # degrees
SIZE = (0.12, 0.9)  # root mean square distance of the points from their centre, over the box's side
OFFSET = 0.6  # between the centres of points and box, over the box's side
SETTLED = 0.05  # of two looks: mean distance of their points, over their size

BOX_SIZE, BOX_RISE = 0.366, 0.053  # the medians of dlib's frontal detector's boxes around a face


def implausibility(landmarks: np.ndarray, box: Box) -> str:
    """Why ``landmarks`` (68, 2), x to the right and y down, cannot be those of the face in ``box``; empty if they can.

    The verdict does not change with scale and place, nor where photo, points and box are mirrored (left and right points
    exchanged).
    """
    if not np.isfinite(landmarks).all():
        return "landmarks are not finite"
    side = np.sqrt(area(box))
    size, middle = _size(landmarks), landmarks.mean(axis=0)
    if size < SIZE[0] * side:
        return "landmarks collapse to a small part of the box"
    if size > SIZE[1] * side:
        return "landmarks spread far beyond the box"
    if np.hypot(*(middle - centre(box))) > OFFSET * side:
        return "landmarks lie outside of the box"
    points, face = (landmarks - middle) / size @ [1, 1j], _mean_face()
    turn = (np.conj(face) * points).mean()  # the similarity that fits the mean face to the points: scale and rotation
    flipped = (face * points).mean()  # the same for the mean face turned over
    if abs(flipped) > abs(turn) and _distance(flipped) <= SHAPE:
        return "landmarks are flipped: left and right, or up and down, are exchanged"
    if _distance(turn) > SHAPE:
        return "landmarks do not have the shape of a face"
    if abs(np.degrees(np.angle(turn))) > ROLL:
        return "landmarks stand on their side or head: the eyes are not above the mouth"
    return ""


def disagreement(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance between two sets of landmarks (68, 2) of one face, as a fraction of the second's size."""
    return float(np.hypot(*(one - other).T).mean() / max(_size(other), 1e-9))


def box_around(landmarks: np.ndarray) -> Box:
    """The square box in which dlib's frontal detector would have shown a face with these landmarks (68, 2)."""
    side = _size(landmarks) / BOX_SIZE
    x, y = landmarks.mean(axis=0) - [0, BOX_RISE * side]
    return float(x - side / 2), float(y - side / 2), float(x + side / 2), float(y + side / 2)


def _size(landmarks: np.ndarray) -> float:
    """Root mean square distance from the centre."""
    return float(np.sqrt(((landmarks - landmarks.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _distance(fit: complex) -> float:
    """What a least-squares fit of two shapes of unit size leaves: 0 is the same shape, 1 none of it."""
    return float(np.sqrt(max(0.0, 1 - abs(fit) ** 2)))


@cache
def _mean_face() -> np.ndarray:
    """The mean face as 68 complex numbers x + iy, centred, of unit size."""
    points = mean_face()
    return (points - points.mean(axis=0)) / _size(points) @ [1, 1j]
