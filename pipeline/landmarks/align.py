"""Align a face: a similarity transform takes eyes and mouth to fixed places in a square crop."""

import cv2
import numpy as np

# Where the centres of the right eye, left eye and mouth come to lie, as fractions of the crop (subject's right is the
# image's left). About the frame of dlib's own face chips, a little wider so that a dropped jaw stays inside.
TEMPLATE = np.array([[0.33, 0.32], [0.67, 0.32], [0.50, 0.707]])
PARTS = (slice(36, 42), slice(42, 48), slice(48, 68))


def similarity(landmarks: np.ndarray, crop_size: int) -> np.ndarray:
    """The (2, 3) matrix from photo pixels to crop pixels for ``landmarks`` (68, 2).

    Least squares over rotation, uniform scale and translation (no reflection), in closed form with points as complex
    numbers: q = a p + b.

    Raises ValueError when the three centres coincide.
    """
    centres = np.array([landmarks[part].mean(axis=0) for part in PARTS])
    p = centres @ [1, 1j]
    q = (TEMPLATE * crop_size - 0.5) @ [1, 1j]  # pixel centres are at whole numbers
    spread = np.abs(p - p.mean()) ** 2
    if spread.sum() < 1e-6:
        raise ValueError("eyes and mouth coincide")
    a = (np.conj(p - p.mean()) * (q - q.mean())).sum() / spread.sum()
    b = q.mean() - a * p.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def transform(landmarks: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply a (2, 3) matrix to points (n, 2)."""
    return landmarks @ matrix[:, :2].T + matrix[:, 2]


def crop(image: np.ndarray, matrix: np.ndarray, crop_size: int) -> np.ndarray:
    """Warp ``image`` (h, w, 3) to (crop_size, crop_size, 3); what lies beyond the photo repeats its border.

    A photo much larger than the crop is shrunk first, since bilinear sampling alone would alias.
    """
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    if scale < 0.5:
        shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        offset = np.full(2, 0.5 * scale - 0.5)  # resizing keeps pixel edges, not centres, in place
        matrix = np.column_stack([matrix[:, :2] / scale, matrix[:, 2] - matrix[:, :2] @ (offset / scale)])
        image = shrunk
    return cv2.warpAffine(image, matrix, (crop_size, crop_size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
