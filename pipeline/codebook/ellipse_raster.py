"""Upright ellipses as just the pixels that OpenCV fills, for many faces at once and without a canvas for each.

Arrays and coordinates are as in ``pipeline/shapes.py``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import cv2
import numpy as np

SMALL_FRAME = 128  # pixels, width or height
EXACT_RADIUS = 256  # pixels, up to which ellipses are filled just as OpenCV does
Window = tuple[slice, slice]  # rows and columns of a grid
NOTHING = -1  # the radius of an ellipse without a pixel


@dataclass(frozen=True)
class Grid:
    """Where shapes are asked for their value: columns at ``x`` (columns, N or 1), rows at ``y`` (rows, N or 1)."""

    x: np.ndarray
    y: np.ndarray

    def window(self, low: np.ndarray, high: np.ndarray) -> Window:
        """Rows and columns outside of which no face has a point between ``low`` and ``high``, both (2, N)."""
        return span(self.y, low[1], high[1]), span(self.x, low[0], high[0])


def hull(windows: Iterable[Window]) -> Window:
    """The smallest window around all; empty ones count for nothing."""
    axes = list(zip(*(window for window in windows if all(axis.start < axis.stop for axis in window)), strict=True))
    rows, columns = axes or ([slice(0, 0)], [slice(0, 0)])
    return tuple(slice(min(axis.start for axis in axes), max(axis.stop for axis in axes)) for axes in (rows, columns))


def span(positions: np.ndarray, low: np.ndarray, high: np.ndarray) -> slice:
    inside = np.flatnonzero(((positions >= low) & (positions <= high)).any(axis=1))
    return slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0)


def fill(
    values: np.ndarray,
    centre: np.ndarray,
    radii: np.ndarray,
    visible: np.ndarray,
    sizes: np.ndarray,
    grid: Grid,
    combine: np.ufunc,
) -> Window:
    """Combine ``values`` (rows, columns, N) in place with upright ellipses, of those faces that are ``visible``: with just
    the pixels that OpenCV fills. Returns the window they lie in. Centre and radii (2, N) are truncated; radii are at most
    EXACT_RADIUS.

    OpenCV fills the polygon through whole degrees, up to a pixel off the ellipse; so it is asked, once for each pair of
    radii. Where the border of a small frame cuts an ellipse, it is asked anew; in a larger one, a pixel may differ there.
    """
    centre, radii = np.trunc(centre), np.trunc(radii)
    cut = visible & (sizes.min(axis=0) <= SMALL_FRAME)
    if cut.any():
        cut &= ~((centre - radii >= 0) & (centre + radii <= sizes - 1)).all(axis=0)
        visible = visible & ~cut
    windows = []
    if cut.any():
        windows.append(_fill_cut(values, centre, radii, cut, sizes, grid, combine))
    if visible.any():
        windows.append(_fill_runs(values, centre, radii, visible, grid, combine))
    return hull(windows)


def _fill_runs(
    values: np.ndarray, centre: np.ndarray, radii: np.ndarray, visible: np.ndarray, grid: Grid, combine: np.ufunc
) -> Window:
    """As ``fill``, as runs of pixels row by row."""
    if not visible.all():
        centre, radii = np.where(visible, centre, centre[:, [visible.argmax()]]), np.where(visible, radii, NOTHING)
    low, high = centre - radii, centre + radii
    rows, columns = window = grid.window(low.min(axis=1, keepdims=True), high.max(axis=1, keepdims=True))
    if rows.start == rows.stop or columns.start == columns.stop:  # between two points of the grid
        return window
    far = max(np.abs(low).max(), np.abs(high).max(), grid.x.max(), grid.y.max())
    signed, unsigned = (np.int16, np.uint16) if far < 8192 else (np.int32, np.uint32)
    middle, first, count = RUNS.of(*radii.astype(np.intp))
    x, y, centre, height = (array.astype(signed) for array in (grid.x[columns], grid.y[rows], centre, radii[1] + 1))
    row = np.minimum(np.maximum(y - centre[1], -height), height) + middle  # (rows, N)
    start, count = first.take(row).astype(signed, copy=False), count.take(row).astype(unsigned, copy=False)
    start += centre[0]
    inside = (x - start[:, None]).view(unsigned) < count[:, None]  # what is left of the start wraps around to huge
    combine(values[window], inside, out=values[window])
    return window


def _fill_cut(
    values: np.ndarray,
    centre: np.ndarray,
    radii: np.ndarray,
    cut: np.ndarray,
    sizes: np.ndarray,
    grid: Grid,
    combine: np.ufunc,
) -> Window:
    """As ``fill``, one by one: OpenCV rounds anew where an edge is cut, and in a small frame a pixel is most of a cell."""
    radii, sizes = np.broadcast_to(radii, centre.shape), np.broadcast_to(sizes, centre.shape)
    for face in np.flatnonzero(cut):
        width, height = sizes[:, face].astype(int).tolist()
        canvas = np.zeros((height, width), np.uint8)
        cv2.ellipse(canvas, centre[:, face].astype(int).tolist(), radii[:, face].astype(int).tolist(), 0, 0, 360, 1, -1)
        y, x = (axis[:, min(face, axis.shape[1] - 1)].astype(int) for axis in (grid.y, grid.x))
        inside = canvas[np.ix_(y, x)].astype(bool)
        combine(values[:, :, face], inside, out=values[:, :, face])
    low, high = (centre - radii)[:, cut], (centre + radii)[:, cut]
    return grid.window(low.min(axis=1, keepdims=True) - 1, high.max(axis=1, keepdims=True) + 1)


class PixelRuns:
    """The run of pixels in each row of a filled ellipse, for every pair of radii that was asked for: one table for all."""

    def __init__(self) -> None:
        # By radii; the last row and column are those of NOTHING, which as an index counts from the end.
        self._middle = np.full((EXACT_RADIUS + 2, EXACT_RADIUS + 2), -1, np.intp)
        self._first, self._count = np.zeros(0, np.int16), np.zeros(0, np.uint16)
        self._adding = Lock()
        self._add([(NOTHING, NOTHING)])

    def of(self, rx: np.ndarray, ry: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For radii (N,): where in the table their middle row is, (N,), and the table: each row's first pixel relative to
        the centre, and how many pixels. The rows next to an ellipse's first and last are in the table, and empty."""
        middle = self._middle[rx, ry]
        if middle.min() < 0:
            self._add(sorted({*zip(rx[middle < 0].tolist(), ry[middle < 0].tolist(), strict=True)}))
            middle = self._middle[rx, ry]
        return middle, self._first, self._count

    def _add(self, pairs: Sequence[tuple[int, int]]) -> None:
        with self._adding:  # of threads that render at the same time; others read meanwhile, so _middle comes last
            tables, middles, end = [(self._first, self._count)], {}, len(self._first)
            for rx, ry in (pair for pair in pairs if self._middle[pair] < 0):
                first, count = _runs(rx, ry)
                tables.append((first, count))
                middles[rx, ry] = end + len(first) // 2
                end += len(first)
            self._first, self._count = (np.concatenate(column) for column in zip(*tables, strict=True))
            for pair, middle in middles.items():
                self._middle[pair] = middle


def _runs(rx: int, ry: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel, relative to the centre, and number of pixels in rows -ry - 1 to ry + 1 of an ellipse."""
    if NOTHING in (rx, ry):
        return np.zeros(3, np.int16), np.zeros(3, np.uint16)
    canvas = np.zeros((2 * ry + 3, 2 * rx + 5), np.uint8)
    cv2.ellipse(canvas, (rx + 2, ry + 1), (rx, ry), 0, 0, 360, 1, -1)
    return (canvas.argmax(axis=1) - rx - 2).astype(np.int16), canvas.sum(axis=1).astype(np.uint16)


RUNS = PixelRuns()
