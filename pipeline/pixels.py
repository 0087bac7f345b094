"""Upright ellipses as just the pixels that OpenCV fills, for many faces at once and without a canvas for each.

Arrays and coordinates are as in ``pipeline/shapes.py``.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

SMALL_FRAME = 128  # pixels, width or height
EXACT_RADIUS = 256  # pixels, up to which ellipses are filled just as OpenCV does


@dataclass(frozen=True)
class Grid:
    """Where shapes are asked for their value: columns at ``x`` (columns, N or 1), rows at ``y`` (rows, N or 1)."""

    x: np.ndarray
    y: np.ndarray

    def window(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns outside of which no face has a point between ``low`` and ``high``, both (2, N)."""
        return span(self.y, low[1], high[1]), span(self.x, low[0], high[0])


def span(positions: np.ndarray, low: np.ndarray, high: np.ndarray) -> slice:
    inside = np.flatnonzero(((positions >= low) & (positions <= high)).any(axis=1))
    return slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0)


def fill(
    values: np.ndarray, centre: np.ndarray, radii: np.ndarray, visible: np.ndarray, grid: Grid, combine: np.ufunc
) -> None:
    """Upright ellipses of those that are ``visible`` as runs of pixels, row by row: just those that OpenCV fills.

    OpenCV fills the polygon through whole degrees, up to a pixel off the ellipse; so it is asked, once for each pair of
    radii. Beyond EXACT_RADIUS, where that pixel matters little, nobody asks it.
    """
    if not visible.any():
        return
    kind = np.int16 if max(np.abs(centre[:, visible]).max(), grid.x.max(), grid.y.max()) < 8192 else np.int32
    centre = np.where(visible, centre, 0).astype(kind)
    firsts, lasts, which = _runs_of(np.where(visible, radii, 0).astype(int), visible, kind)
    height = firsts.shape[1]  # the middle row is the centre's, the first and last are empty
    low, high = (centre[1] - height // 2)[visible].min(), (centre[1] + height // 2)[visible].max()
    rows = span(grid.y, low, high)
    if rows.start == rows.stop:  # between two rows of the grid
        return
    run = (grid.y[rows].astype(kind) - centre[1] + kind(height // 2)).clip(0, height - 1) + which * height  # (rows, N)
    low, high = firsts.ravel().take(run) + centre[0], lasts.ravel().take(run) + centre[0]
    columns = span(grid.x, low.min(), high.max())
    x = grid.x[columns].astype(kind)
    inside = x >= low[:, None]
    inside &= x <= high[:, None]
    combine(values[rows, columns], inside, out=values[rows, columns])


def fill_cut(
    values: np.ndarray,
    centre: np.ndarray,
    radii: np.ndarray,
    cut: np.ndarray,
    sizes: np.ndarray,
    grid: Grid,
    combine: np.ufunc,
) -> None:
    """Ellipses that the border of a small frame cuts, one by one: OpenCV rounds anew where an edge is cut, and in a small
    frame a pixel is most of a cell."""
    for face in np.flatnonzero(cut):
        width, height = sizes[:, face].astype(int).tolist()
        canvas = np.zeros((height, width), np.uint8)
        cv2.ellipse(canvas, centre[:, face].astype(int).tolist(), radii[:, face].astype(int).tolist(), 0, 0, 360, 1, -1)
        y, x = (axis[:, min(face, axis.shape[1] - 1)].astype(int) for axis in (grid.y, grid.x))
        inside = canvas[np.ix_(y, x)].astype(bool)
        combine(values[:, :, face], inside, out=values[:, :, face])


def _runs_of(radii: np.ndarray, visible: np.ndarray, kind: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of the ellipses with ``radii`` (2, N): first and last pixel relative to the centre, both (tables, rows), and
    which table is whose (N,); the table of those that are not visible is empty."""
    codes = np.where(visible, radii[0] * 65536 + radii[1], -1)
    if (codes == codes[0]).all():
        distinct, which = codes[:1], np.zeros(len(codes), np.intp)
    else:
        distinct, which = np.unique(codes, return_inverse=True)
    runs = [_runs(*divmod(code, 65536)) for code in distinct.tolist()]
    rows = max(run.shape[1] for run in runs)
    tables = np.empty((2, len(runs), rows), kind)
    tables[0], tables[1] = 1, 0  # empty
    for index, run in enumerate(runs):
        start = (rows - run.shape[1]) // 2
        tables[:, index, start : start + run.shape[1]] = run
    return *tables, which


@lru_cache(maxsize=4096)
def _runs(rx: int, ry: int) -> np.ndarray:
    """First and last pixel (2, 2 ry + 5) of an ellipse's rows, relative to its centre; empty rows are 1 and 0, as is all of
    an ellipse with a negative radius."""
    if rx < 0:
        return np.array([[1], [0]])
    canvas = np.zeros((2 * ry + 5, 2 * rx + 5), np.uint8)
    cv2.ellipse(canvas, (rx + 2, ry + 2), (rx, ry), 0, 0, 360, 1, -1)
    first, last = canvas.argmax(axis=1), canvas.shape[1] - 1 - canvas[:, ::-1].argmax(axis=1)
    empty = ~canvas.any(axis=1)
    return np.stack([np.where(empty, 1, first - rx - 2), np.where(empty, 0, last - rx - 2)]).astype(np.int32)
