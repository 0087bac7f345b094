"""Align a face: a similarity transform moves the eyes and the mouth to fixed places in a square crop.

Points are (x, y) in pixels, x to the right and y down, with pixel centres at whole numbers.
"""

import cv2
import numpy as np

# Places of the centres of the right eye, the left eye and the mouth, as fractions of the crop. The subject's right is the
# image's left. The frame is about that of dlib's own face chips, a little wider so that a dropped jaw stays inside.
TEMPLATE = np.array([[0.33, 0.32], [0.67, 0.32], [0.50, 0.707]])
PARTS = (slice(36, 42), slice(42, 48), slice(48, 68))  # landmarks of the right eye, the left eye and the mouth
MARGIN = 3  # pixels of the crop, more than interpolation reads beyond it


def similarity(landmarks: np.ndarray, crop_size: int) -> np.ndarray:
    """Fit the transform that aligns a face.

    The fit is least squares over rotation, uniform scale and translation, without reflection. Points are written as complex
    numbers, which gives the closed form q = a p + b.

    Args:
        landmarks: Points (68, 2) in photo pixels.
        crop_size: Side of the crop in pixels.

    Returns:
        Matrix (2, 3) from photo pixels to crop pixels.

    Raises:
        ValueError: If the centres of both eyes and the mouth coincide.
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


def scale(matrix: np.ndarray) -> float:
    """Return how many pixels of the crop there are for each pixel of the photo, by the transform (2, 3)."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def reduced(matrix: np.ndarray, times: int) -> np.ndarray:
    """Return the transform (2, 3) from pixels of the photo that is reduced a number of times, instead of the photo's own."""
    centre = np.full(2, 0.5 * times - 0.5)  # of the photo's pixels that the first reduced pixel stands for
    return np.column_stack([matrix[:, :2] * times, matrix[:, :2] @ centre + matrix[:, 2]])


def surroundings(image: np.ndarray, matrix: np.ndarray, crop_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut out the part of a photo that its crop shows, so that the rest need not be shrunk.

    Args:
        image: Photo (h, w, 3) uint8.
        matrix: Transform (2, 3) from photo pixels to crop pixels.
        crop_size: Side of the crop in pixels.

    Returns:
        The part, with MARGIN pixels of the crop around it, and the transform (2, 3) from its pixels to crop pixels.
    """
    edges = np.array([-MARGIN, crop_size - 1 + MARGIN])
    corners = np.array([(x, y) for x in edges for y in edges], float)
    in_photo = transform(corners, cv2.invertAffineTransform(matrix))
    size, least = np.array(image.shape[1::-1]), MARGIN / scale(matrix)  # of a crop outside of the photo, the border is left
    left, top = np.clip(np.floor(in_photo.min(axis=0)), 0, np.maximum(size - least, 0)).astype(int).tolist()
    right, bottom = np.ceil(np.maximum(in_photo.max(axis=0) + 1, np.array([left, top]) + least)).astype(int).tolist()
    start = matrix[:, :2] @ (left, top) + matrix[:, 2]
    return image[top:bottom, left:right], np.column_stack([matrix[:, :2], start])


def crop(image: np.ndarray, matrix: np.ndarray, crop_size: int) -> np.ndarray:
    """Cut the aligned crop out of a photo. Beyond the photo, the crop repeats the photo's border.

    A photo that is much larger than the crop is shrunk first, since bilinear sampling alone would alias.

    Args:
        image: Photo (h, w, 3) uint8.
        matrix: Transform (2, 3) from photo pixels to crop pixels.
        crop_size: Side of the crop in pixels.

    Returns:
        Crop (crop_size, crop_size, 3) uint8.
    """
    factor = scale(matrix)
    if factor < 0.5:
        shrunk = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        offset = np.full(2, 0.5 * factor - 0.5)  # resizing keeps the edges of pixels in place, not their centres
        matrix = np.column_stack([matrix[:, :2] / factor, matrix[:, 2] - matrix[:, :2] @ (offset / factor)])
        image = shrunk
    return cv2.warpAffine(image, matrix, (crop_size, crop_size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
