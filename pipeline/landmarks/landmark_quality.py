"""Judge whether 68 landmarks can be a face, so that no classifier is trained on landmarks of a place without a face.

A predictor draws a face wherever it looks. On 1,548 boxes without a face (1,248 beside the faces, 300 on blurred noise), the
landmarks' shape, roll, size and place spread as they do on 1,154 faces that two detectors agree on (see the table below).
Therefore ``implausibility`` finds only landmarks that no face can have: broken or mixed-up points, and bad boxes.

A face differs from other places in that the predictor stays in place when it predicts again (``disagreement``). Within four
predictions, the landmarks settle below SETTLED on all of 397 faces, and on 99 % of these faces from a box that is the whole
photo. They settle on 29 % of 624 boxes beside the faces (skin, hair, background), on no box of plain grey or white noise,
but on half of the boxes of blurred noise.

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

# Each limit leaves room beyond every measured face: for 45 degrees more roll, or a box from another source.
SHAPE = 0.55  # of 1: share of the points' spread that the mean face, fitted to the points, leaves unexplained
ROLL = 75.0  # degrees
SIZE = (0.12, 0.9)  # root mean square distance of the points from their centre, over the box's side
OFFSET = 0.6  # between the centres of points and box, over the box's side
SETTLED = 0.05  # mean distance between the points of two predictions, over the size of the landmarks

BOX_SIZE, BOX_RISE = 0.366, 0.053  # medians over the boxes that dlib's frontal detector draws around faces


def implausibility(landmarks: np.ndarray, box: Box) -> str:
    """Give the reason why landmarks cannot belong to the face in a box.

    The verdict does not depend on scale and place. It stays the same if photo, points and box are mirrored, with left and
    right points exchanged.

    Args:
        landmarks: Points (68, 2) as (x, y), x to the right and y down, in the pixels of the box.
        box: The face's box (left, top, right, bottom).

    Returns:
        The reason, or empty text if the landmarks are plausible.
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
    turn = (np.conj(face) * points).mean()  # scale and rotation that fit the mean face to the points
    flipped = (face * points).mean()  # the same for the mirrored mean face
    if abs(flipped) > abs(turn) and _distance(flipped) <= SHAPE:
        return "landmarks are flipped: left and right, or up and down, are exchanged"
    if _distance(turn) > SHAPE:
        return "landmarks do not have the shape of a face"
    if abs(np.degrees(np.angle(turn))) > ROLL:
        return "landmarks stand on their side or head: the eyes are not above the mouth"
    return ""


def disagreement(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean distance between two sets of landmarks (68, 2) of one face, as a fraction of the second's size."""
    return float(np.hypot(*(one - other).T).mean() / max(_size(other), 1e-9))


def box_around(landmarks: np.ndarray) -> Box:
    """Return the square box that dlib's frontal detector would draw around a face with these landmarks (68, 2)."""
    side = _size(landmarks) / BOX_SIZE
    x, y = landmarks.mean(axis=0) - [0, BOX_RISE * side]
    return float(x - side / 2), float(y - side / 2), float(x + side / 2), float(y + side / 2)


def _size(landmarks: np.ndarray) -> float:
    """Root mean square distance of the points from their centre."""
    return float(np.sqrt(((landmarks - landmarks.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _distance(fit: complex) -> float:
    """The residual of a least-squares fit of two shapes of unit size: 0 for the same shape, 1 for nothing in common."""
    return float(np.sqrt(max(0.0, 1 - abs(fit) ** 2)))


@cache
def _mean_face() -> np.ndarray:
    """The mean face as 68 complex numbers x + iy, centred, of unit size."""
    points = mean_face()
    return (points - points.mean(axis=0)) / _size(points) @ [1, 1j]
