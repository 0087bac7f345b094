"""Animate a portrait by FACS action units: displaced landmarks, a thin-plate warp, folds and an open mouth.

Images are (h, w) uint8 grey. Points are (x, y) in pixels of that image, origin at the centre of the top left pixel, x to
the right, y down. Landmarks are the 68 iBUG/dlib points, 0-based. "Right" and "left" are the subject's own: the subject's
right side is at the image's left.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from pipeline.ingest.demo.movements import Movements, Stroke
from pipeline.ingest.demo.warp import frame_points, warp
from pipeline.runtime.errors import InputError

MIDLINE = (8, 27, 28, 29, 30, 33, 51, 57, 62, 66)
LEFT = (*range(9, 17), *range(22, 27), 34, 35, *range(42, 48), 52, 53, 54, 55, 56, 63, 64, 65)
BROWS = ((19, 37), (20, 38), (21, 39), (22, 42), (23, 43), (24, 44))  # the brow, and the lid below it
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIPS = ((61, 67), (62, 66), (63, 65))
INNER_MOUTH = slice(60, 68)


def animate(
    grey: np.ndarray,
    landmarks: np.ndarray,
    aus: Mapping[int, tuple[float, float]],
    movements: Movements,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Show action units on a face.

    Args:
        grey: The face (h, w) uint8.
        landmarks: The face's landmarks (68, 2) in pixels.
        aus: Intensity of each AU on the subject's right and left side.
        movements: The effect of each AU.
        rng: Source of variation in pose, light and sensor. Without it there is no variation, and a face without AUs stays
            the same.

    Returns:
        The animated face (h, w) uint8.

    Raises:
        InputError: If an array has another shape or type, or an AU has no displacements.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or landmarks.shape != (68, 2):
        raise InputError(
            f"got a {grey.dtype} image {grey.shape} and landmarks {landmarks.shape}; give (h, w) uint8 and (68, 2)"
        )
    if unknown := sorted(set(aus) - set(movements.shifts)):
        raise InputError(f"no displacements for AU {unknown}; add rows for them to the displacement table")
    pose = _random_pose(landmarks, rng) if rng else np.eye(2, 3)
    anchors = frame_points(grey.shape)
    moved = displace(landmarks, aus, movements.shifts) @ pose[:, :2].T + pose[:, 2]
    sources = np.vstack([landmarks, anchors])
    targets = np.vstack([moved, anchors @ pose[:, :2].T + pose[:, 2]])
    image = warp(grey, sources, targets).astype(np.float32)
    image = _paint_mouth(image, landmarks, moved)
    image = _shade_folds(image, moved, aus, movements.folds)
    if rng:
        image = _photograph(image, rng)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def face_frame(landmarks: np.ndarray) -> tuple[float, np.ndarray]:
    """Measure the frame of a face.

    Args:
        landmarks: The face's landmarks (68, 2) in pixels.

    Returns:
        The inter-ocular distance in pixels, and the face's x and y axes as the rows of a rotation (2, 2).

    Raises:
        InputError: If the eyes are less than a pixel apart.
    """
    across = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    distance = float(np.hypot(*across))
    if distance < 1:
        raise InputError(f"the eyes are {distance:.2f} px apart; give the 68 landmarks of a face in pixels")
    x, y = across / distance
    return distance, np.array([[x, y], [-y, x]])


def displace(landmarks: np.ndarray, aus: Mapping[int, tuple[float, float]], shifts: Mapping[int, np.ndarray]) -> np.ndarray:
    """Move the landmarks of a face by action units, without letting brows, lids or lips cross.

    Args:
        landmarks: The face's landmarks (68, 2) in pixels.
        aus: Intensity of each AU on the subject's right and left side.
        shifts: Landmark shifts (68, 2) of each AU at intensity 1, in the face's frame.

    Returns:
        The moved landmarks (68, 2) in pixels.
    """
    unit, axes = face_frame(landmarks)
    left_share = _left_share()
    still = landmarks @ axes.T / unit
    moved = still.copy()
    for au, (right, left) in aus.items():
        moved += (right + (left - right) * left_share)[:, None] * shifts[au]
    _keep_apart(still, moved, BROWS, share=0.6)
    _keep_apart(still, moved, LIDS, share=0.4)
    _keep_apart(still, moved, LIPS, share=1.0)
    return moved @ axes * unit


def _left_share() -> np.ndarray:
    """The weight (68,) of the left side's intensity for each landmark: 0 on the right, 1 on the left, 0.5 between."""
    share = np.zeros(68)
    share[list(LEFT)] = 1
    share[list(MIDLINE)] = 0.5
    return share


def _keep_apart(still: np.ndarray, moved: np.ndarray, pairs: tuple[tuple[int, int], ...], share: float) -> None:
    """Push each (upper, lower) pair of `moved` apart, in place, to at least a share of its opening in `still`.

    Crossed brows, lids or lips would fold the warp over itself.
    """
    for upper, lower in pairs:
        least = share * max(still[lower, 1] - still[upper, 1], 0)
        short = least - (moved[lower, 1] - moved[upper, 1])
        if short > 0:
            moved[upper, 1] -= short / 2
            moved[lower, 1] += short / 2


def _paint_mouth(image: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Darken an opened mouth, and show upper teeth if it is drawn wide or if its upper lip is raised.

    The portraits have closed mouths, so that the warp alone can only smear lip over the opening.
    """
    unit, axes = face_frame(after)
    unit_before, axes_before = face_frame(before)
    mouth = after @ axes.T / unit
    rest = before @ axes_before.T / unit_before
    gap = np.mean([mouth[low, 1] - mouth[up, 1] for up, low in LIPS])
    opened = gap - np.mean([max(rest[low, 1] - rest[up, 1], 0) for up, low in LIPS])
    strength = np.clip((opened - 0.02) / 0.05, 0, 1)
    if strength == 0:
        return image
    cavity = strength * _soft_polygon(image.shape, after[INNER_MOUTH], 0.015 * unit)
    skin = np.median(image[_soft_polygon(image.shape, after[[31, 35, 13, 3]], 1) > 0.5])
    # The palate lies in deep shade; a little light falls on the tongue.
    rows = np.arange(image.shape[0])[:, None]
    depth = np.clip((rows - after[62, 1]) / (gap * unit), 0, 1)
    image = image + cavity * ((0.16 + 0.20 * depth**2) * skin - image)
    wider = (mouth[54, 0] - mouth[48, 0]) / (rest[54, 0] - rest[48, 0]) - 1
    raised = (rest[62, 1] - rest[27, 1]) - (mouth[62, 1] - mouth[27, 1])
    visibility = np.clip(max(wider / 0.15, raised / 0.08), 0, 1)
    upper = after[60:65]
    edge = upper + min(0.65 * gap, 0.10) * unit * axes[1]
    teeth = _soft_polygon(image.shape, np.vstack([upper, edge[3:0:-1]]), 0.015 * unit)
    return image + 0.9 * visibility * cavity * teeth * (1.1 * skin - image)


def _soft_polygon(shape: tuple[int, int], corners: np.ndarray, sigma: float) -> np.ndarray:
    """The coverage (h, w) float32 of a polygon (n, 2) with rounded corners and an edge blurred by `sigma` pixels."""
    for _ in range(2):  # Chaikin: cut each corner at a quarter and three quarters of its sides
        after = np.roll(corners, -1, axis=0)
        corners = np.stack([0.75 * corners + 0.25 * after, 0.25 * corners + 0.75 * after], axis=1).reshape(-1, 2)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(sigma, 0.3))


def _shade_folds(
    image: np.ndarray,
    landmarks: np.ndarray,
    aus: Mapping[int, tuple[float, float]],
    folds: Mapping[int, tuple[tuple[Stroke, float], ...]],
) -> np.ndarray:
    """Darken the skin folds that the AUs make. A fold has the intensity of the side on which its first landmark lies."""
    unit, axes = face_frame(landmarks)
    left_share = _left_share()
    lost = np.zeros(image.shape, np.uint8)  # share of light, 255 is all of it
    for au, (right, left) in aus.items():
        for stroke, depth in folds.get(au, ()):
            index = [vertex[0] for vertex in stroke]
            line = landmarks[index] + unit * np.array([vertex[1:] for vertex in stroke]) @ axes
            level = 255 * depth * (right + (left - right) * left_share[index[0]])
            crease = np.zeros_like(lost)
            corners = np.rint(line * 16).astype(np.int32)
            cv2.polylines(crease, [corners], False, round(level), max(round(0.04 * unit), 1), cv2.LINE_AA, shift=4)
            lost = np.maximum(lost, crease)
    if not lost.any():
        return image
    return image * (1 - cv2.GaussianBlur(lost.astype(np.float32), (0, 0), 0.035 * unit) / 255)


def _random_pose(landmarks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A small random similarity (2, 3) about the nose: 3 degrees, 4 % scale, 4 px shift (standard deviations)."""
    angle, scale = rng.normal(0, 3), np.exp(rng.normal(0, 0.04))
    x, y = landmarks[30]
    pose = cv2.getRotationMatrix2D((float(x), float(y)), angle, scale)
    pose[:, 2] = pose[:, 2] + rng.normal(0, 4, size=2)
    return pose


def _photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary the light and the camera of an image (h, w) of float grey levels."""
    h, w = image.shape
    slope = rng.normal(0, 0.10, size=2)
    light = 1 + slope[0] * np.linspace(-1, 1, w)[None, :] + slope[1] * np.linspace(-1, 1, h)[:, None]
    image = np.clip(image * light * rng.uniform(0.85, 1.15), 0, 255)
    image = 255 * (image / 255) ** np.exp(rng.normal(0, 0.15))
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2))
    return image + rng.normal(0, rng.uniform(1, 4), size=image.shape)
