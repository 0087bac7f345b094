"""Animate a portrait by FACS action units: displaced landmarks, a thin-plate warp, folds and an open mouth.

Conventions: images are (h, w) uint8 grey; points are (x, y) in pixels of that image, origin at the centre of
the top left pixel, x to the right, y down; landmarks are the 68 iBUG/dlib points, 0-based. "Right" and "left"
are the subject's own: the subject's right side is at the image's left. Tables are in the face's frame: one unit
is the inter-ocular distance, x runs from the image's left eye to its right eye.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.ingest.datasets.csv_rows import rows
from pipeline.ingest.demo.warp import frame_points, warp
from pipeline.runtime.errors import InputError

MIDLINE = (8, 27, 28, 29, 30, 33, 51, 57, 62, 66)
LEFT = (*range(9, 17), *range(22, 27), 34, 35, *range(42, 48), 52, 53, 54, 55, 56, 63, 64, 65)
BROWS = ((19, 37), (20, 38), (21, 39), (22, 42), (23, 43), (24, 44))  # over the eye
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIPS = ((61, 67), (62, 66), (63, 65))
INNER_MOUTH = slice(60, 68)

Stroke = tuple[tuple[int, float, float], ...]  # (landmark, dx, dy) per vertex


@dataclass(frozen=True)
class Movements:
    """What each AU does at intensity 1: `shifts[au]` (68, 2), and `folds[au]` as (stroke, share of light lost)."""

    shifts: Mapping[int, np.ndarray]
    folds: Mapping[int, tuple[tuple[Stroke, float], ...]]


def load_movements(shifts_csv: Path, folds_csv: Path) -> Movements:
    """Read the landmark shifts (columns au, landmarks, dx, dy) and the skin folds (au, stroke, depth)."""
    shifts: dict[int, np.ndarray] = {}
    for where, row in rows(shifts_csv, ("au", "landmarks", "dx", "dy")):
        try:
            points = [int(index) for index in row["landmarks"].split()]
            shift = shifts.setdefault(int(row["au"]), np.zeros((68, 2)))
            step = float(row["dx"]), float(row["dy"])
        except ValueError as error:
            raise InputError(f"{where}: {error}: write a number there") from None
        _check_landmarks(points, where)
        shift[points] += step
    folds: dict[int, list[tuple[Stroke, float]]] = {}
    for where, row in rows(folds_csv, ("au", "stroke", "depth")):
        try:
            vertices = [vertex.split() for vertex in row["stroke"].split(";")]
            stroke = tuple((int(index), float(dx), float(dy)) for index, dx, dy in vertices)
            folds.setdefault(int(row["au"]), []).append((stroke, float(row["depth"])))
        except ValueError as error:
            raise InputError(f"{where}: {error}: write 'landmark dx dy; landmark dx dy; ...'") from None
        _check_landmarks([vertex[0] for vertex in stroke], where)
    return Movements(shifts, {au: tuple(strokes) for au, strokes in folds.items()})


def _check_landmarks(points: list[int], where: str) -> None:
    if not points or not all(0 <= point <= 67 for point in points):
        raise InputError(f"{where} names landmarks {points}; use one or more of 0 to 67")


def animate(
    grey: np.ndarray,
    landmarks: np.ndarray,
    aus: Mapping[int, tuple[float, float]],
    movements: Movements,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Show `aus` (AU -> intensity on the subject's right and left) on the face `grey` (h, w) uint8.

    `landmarks` (68, 2) are the face's own. `rng` adds pose, light and sensor variation; without it there is none,
    and no AUs give back `grey` itself. Returns (h, w) uint8.
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
    """Inter-ocular distance in pixels, and the face's x and y axes as the rows of a (2, 2) rotation."""
    across = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    distance = float(np.hypot(*across))
    if distance < 1:
        raise InputError(f"the eyes are {distance:.2f} px apart; give the 68 landmarks of a face in pixels")
    x, y = across / distance
    return distance, np.array([[x, y], [-y, x]])


def displace(landmarks: np.ndarray, aus: Mapping[int, tuple[float, float]], shifts: Mapping[int, np.ndarray]) -> np.ndarray:
    """Landmarks (68, 2) in pixels after the AUs have pulled on them; brows, lids and lips never cross."""
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
    """(68,) how far each landmark follows the subject's left intensity: 0 right side, 1 left side, 0.5 between."""
    share = np.zeros(68)
    share[list(LEFT)] = 1
    share[list(MIDLINE)] = 0.5
    return share


def _keep_apart(still: np.ndarray, moved: np.ndarray, pairs: tuple[tuple[int, int], ...], share: float) -> None:
    """Push each (upper, lower) pair of `moved` apart, in place, to `share` of its opening in `still`.

    Crossed brows, lids or lips would fold the warp over itself.
    """
    for upper, lower in pairs:
        least = share * max(still[lower, 1] - still[upper, 1], 0)
        short = least - (moved[lower, 1] - moved[upper, 1])
        if short > 0:
            moved[upper, 1] -= short / 2
            moved[lower, 1] += short / 2


def _paint_mouth(image: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Fill an opened mouth with dark, and with upper teeth where it is drawn wide or its upper lip raised.

    The sources have closed mouths, so the warp can only smear lip over the opening.
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
    # Deep shade under the palate, a little light on the tongue.
    rows = np.arange(image.shape[0])[:, None]
    depth = np.clip((rows - after[62, 1]) / (gap * unit), 0, 1)
    image = image + cavity * ((0.16 + 0.20 * depth**2) * skin - image)
    wider = (mouth[54, 0] - mouth[48, 0]) / (rest[54, 0] - rest[48, 0]) - 1
    raised = (rest[62, 1] - rest[27, 1]) - (mouth[62, 1] - mouth[27, 1])
    shown = np.clip(max(wider / 0.15, raised / 0.08), 0, 1)
    upper = after[60:65]
    edge = upper + min(0.65 * gap, 0.10) * unit * axes[1]
    teeth = _soft_polygon(image.shape, np.vstack([upper, edge[3:0:-1]]), 0.015 * unit)
    return image + 0.9 * shown * cavity * teeth * (1.1 * skin - image)


def _soft_polygon(shape: tuple[int, int], corners: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w) float32 coverage of a polygon (n, 2), its corners rounded and its edge blurred by `sigma` pixels."""
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
    """Darken the skin folds that the AUs make; a fold takes the intensity of the side its first landmark is on."""
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
    pose[:, 2] += rng.normal(0, 4, size=2)
    return pose


def _photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take (h, w) float grey levels under another light and with another camera."""
    h, w = image.shape
    slope = rng.normal(0, 0.10, size=2)
    light = 1 + slope[0] * np.linspace(-1, 1, w)[None, :] + slope[1] * np.linspace(-1, 1, h)[:, None]
    image = np.clip(image * light * rng.uniform(0.85, 1.15), 0, 255)
    image = 255 * (image / 255) ** np.exp(rng.normal(0, 0.15))
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2))
    return image + rng.normal(0, rng.uniform(1, 4), size=image.shape)
