"""A thin-plate spline warp of a grey image. Points are (x, y) in pixels, origin at the centre of the top left pixel."""

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator


def frame_points(shape: tuple[int, int], per_side: int = 4) -> np.ndarray:
    """Points (4 * per_side, 2) round the image's border: they hold the background still."""
    h, w = shape
    run = np.arange(per_side) / per_side
    top = np.column_stack([run * (w - 1), np.zeros(per_side)])
    right = np.column_stack([np.full(per_side, w - 1), run * (h - 1)])
    return np.vstack([top, right, [w - 1, h - 1] - top, [w - 1, h - 1] - right])


def warp(grey: np.ndarray, sources: np.ndarray, targets: np.ndarray, step: int = 4) -> np.ndarray:
    """Move `sources` (n, 2) to `targets` (n, 2) with a thin-plate spline from target to source.

    The spline is smooth, so it is evaluated every `step` pixels and interpolated between.
    """
    if np.array_equal(sources, targets):
        return grey
    h, w = grey.shape
    columns, rows = np.arange(0, w - 1 + step, step), np.arange(0, h - 1 + step, step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    coarse = spline(targets, sources - targets, grid).reshape(len(rows), len(columns), 2)
    # Pixel (x, y) lies at (x, y) / step on the grid: resize would shift it by half a cell.
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    fine = cv2.remap(coarse.astype(np.float32), x / step, y / step, cv2.INTER_LINEAR)
    return cv2.remap(grey, x + fine[..., 0], y + fine[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def spline(points: np.ndarray, values: np.ndarray, at: np.ndarray, smoothing: float = 1e-3) -> np.ndarray:
    """Thin-plate spline through `values` (n, 2) at `points` (n, 2), evaluated at `at` (m, 2).

    `smoothing` lets it miss by a little, so that two landmarks on one spot (closed lips) cannot tear it.
    """
    scale = np.ptp(points) / 4  # about the inter-ocular distance: keeps the system well conditioned
    # SciPy's kernel is r^2 log r, half of r^2 log r^2: half the smoothing gives the same spline.
    spline = RBFInterpolator(points / scale, values, kernel="thin_plate_spline", smoothing=smoothing / 2, degree=1)
    return spline(at / scale)
