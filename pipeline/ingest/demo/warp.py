"""Warp a grey image by a thin-plate spline. Points are (x, y) in pixels, origin at the centre of the top left pixel."""

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator


def frame_points(shape: tuple[int, int], per_side: int = 4) -> np.ndarray:
    """Spread points evenly round the border of an image, to hold the background still.

    Args:
        shape: Height and width of the image.
        per_side: Number of points on each side.

    Returns:
        Points (4 * per_side, 2).
    """
    h, w = shape
    run = np.arange(per_side) / per_side
    top = np.column_stack([run * (w - 1), np.zeros(per_side)])
    right = np.column_stack([np.full(per_side, w - 1), run * (h - 1)])
    return np.vstack([top, right, [w - 1, h - 1] - top, [w - 1, h - 1] - right])


def warp(grey: np.ndarray, sources: np.ndarray, targets: np.ndarray, step: int = 4) -> np.ndarray:
    """Move points of an image to other places, and everything between them smoothly along.

    Args:
        grey: Image (h, w).
        sources: Points (n, 2) to move.
        targets: Their places (n, 2) after the warp.
        step: Distance in pixels at which the spline from target to source is evaluated. It is smooth, so that it can be
            interpolated in between.

    Returns:
        The warped image (h, w); the same array if no point moves.
    """
    if np.array_equal(sources, targets):
        return grey
    h, w = grey.shape
    columns, rows = np.arange(0, w - 1 + step, step), np.arange(0, h - 1 + step, step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    coarse = spline(targets, sources - targets, grid).reshape(len(rows), len(columns), 2)
    # Pixel (x, y) lies at (x, y) / step on the grid. cv2.resize would shift it by half a cell.
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    fine = cv2.remap(coarse.astype(np.float32), x / step, y / step, cv2.INTER_LINEAR)
    return cv2.remap(grey, x + fine[..., 0], y + fine[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def spline(points: np.ndarray, values: np.ndarray, at: np.ndarray, smoothing: float = 1e-3) -> np.ndarray:
    """Evaluate the thin-plate spline through some values.

    Args:
        points: Places (n, 2) of the values.
        values: Values (n, 2) at these places.
        at: Places (m, 2) at which to evaluate the spline.
        smoothing: Lets the spline miss the values a little, so that two landmarks in one place (closed lips) cannot tear it.

    Returns:
        Values (m, 2) of the spline.
    """
    scale = np.ptp(points) / 4  # about the inter-ocular distance: keeps the system well conditioned
    # The smoothing is that of the kernel r^2 log r^2. SciPy's kernel r^2 log r is half of it, and takes half the smoothing.
    interpolator = RBFInterpolator(points / scale, values, kernel="thin_plate_spline", smoothing=smoothing / 2, degree=1)
    return interpolator(at / scale)
