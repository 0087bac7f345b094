"""Upright ellipses as exactly the pixels that OpenCV fills, for many faces at once and without a canvas for each face.

Coordinates and the order of axes are those of ``grid``.
"""

from collections.abc import Sequence
from threading import Lock

import cv2
import numpy as np

from pipeline.codebook.rendering.grid import Grid, Window, hull

SMALL_FRAME = 128  # pixels of width or height, up to which OpenCV draws every ellipse that the border cuts
EXACT_RADIUS = 256  # pixels, up to which ellipses are filled exactly as OpenCV fills them
EMPTY_RADIUS = -1  # of an ellipse without a pixel


def fill(
    values: np.ndarray,
    centre: np.ndarray,
    radii: np.ndarray,
    visible: np.ndarray,
    sizes: np.ndarray,
    grid: Grid,
    combine: np.ufunc,
) -> Window:
    """Combine values in place with upright ellipses, with exactly the pixels that OpenCV fills.

    OpenCV fills the polygon through whole degrees, which is up to a pixel off the ellipse. So OpenCV draws each pair of
    radii once, and all faces share the result. In a small frame, OpenCV draws every ellipse that the border cuts. In a
    larger frame, a pixel may differ at the border.

    Args:
        values: Values at the grid's points, (rows, columns, N) bool or float32.
        centre: Centres, (2, N) in pixels. They are truncated.
        radii: Radii, (2, N) in pixels, at most EXACT_RADIUS. They are truncated.
        visible: Faces to draw on, (N,) bool.
        sizes: (width, height) of the frames in pixels, (2, N), or (2, 1) if all are alike.
        grid: Points of the values; they are whole pixels.
        combine: ``np.maximum`` or ``np.add``.

    Returns:
        The window that holds the ellipses.
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
    """Fill ellipses as runs of pixels, row by row, from the shared table."""
    if not visible.all():
        centre, radii = np.where(visible, centre, centre[:, [visible.argmax()]]), np.where(visible, radii, EMPTY_RADIUS)
    low, high = centre - radii, centre + radii
    rows, columns = window = grid.window(low.min(axis=1, keepdims=True), high.max(axis=1, keepdims=True))
    if rows.start == rows.stop or columns.start == columns.stop:  # between two points of the grid
        return window
    far = max(np.abs(low).max(), np.abs(high).max(), grid.x.max(), grid.y.max())
    near = far < 8192  # then every difference fits into int16
    signed: type[np.signedinteger] = np.int16 if near else np.int32
    unsigned: type[np.unsignedinteger] = np.uint16 if near else np.uint32
    middle, first, count = RUNS.lookup(*radii.astype(np.intp))
    x, y, centre, height = (array.astype(signed) for array in (grid.x[columns], grid.y[rows], centre, radii[1] + 1))
    row = np.minimum(np.maximum(y - centre[1], -height), height) + middle  # (rows, N)
    start, count = first.take(row).astype(signed, copy=False), count.take(row).astype(unsigned, copy=False)
    start += centre[0]
    # Left of a run's start, the difference is negative, and wraps around to a huge number.
    inside = (x - start[:, None]).view(unsigned) < count[:, None]
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
    """Let OpenCV draw each ellipse.

    At the frame's border it rounds the edge differently, and in a small frame a pixel is most of a cell.
    """
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
    """A table of the runs of pixels in each row of filled ellipses, for every pair of radii that was asked for."""

    def __init__(self) -> None:
        # Indexed by radii. The last row and column are those of EMPTY_RADIUS, an index that counts from the end.
        self._middle = np.full((EXACT_RADIUS + 2, EXACT_RADIUS + 2), -1, np.intp)
        self._first, self._count = np.zeros(0, np.int16), np.zeros(0, np.uint16)
        self._adding = Lock()
        self._add([(EMPTY_RADIUS, EMPTY_RADIUS)])

    def lookup(self, rx: np.ndarray, ry: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Look up the runs of ellipses, and draw those that are not in the table yet.

        Args:
            rx: Horizontal radii, (N,) whole pixels from 0 to EXACT_RADIUS, or EMPTY_RADIUS.
            ry: Vertical radii, alike.

        Returns:
            The row of the table with each ellipse's middle row, (N,), and the two columns of the table: the first pixel
            of each row relative to the centre, and the number of pixels. The rows before an ellipse's first row and
            after its last row are in the table too, and are empty.
        """
        middle = self._middle[rx, ry]
        if middle.min() < 0:
            self._add(sorted({*zip(rx[middle < 0].tolist(), ry[middle < 0].tolist(), strict=True)}))
            middle = self._middle[rx, ry]
        return middle, self._first, self._count

    def _add(self, pairs: Sequence[tuple[int, int]]) -> None:
        # Threads render at the same time. Others read meanwhile, so _middle changes last.
        with self._adding:
            tables, middles, end = [(self._first, self._count)], {}, len(self._first)
            for rx, ry in (pair for pair in pairs if self._middle[pair] < 0):
                first, count = _trace_runs(rx, ry)
                tables.append((first, count))
                middles[rx, ry] = end + len(first) // 2
                end += len(first)
            self._first, self._count = (np.concatenate(column) for column in zip(*tables, strict=True))
            for pair, middle in middles.items():
                self._middle[pair] = middle


def _trace_runs(rx: int, ry: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel relative to the centre, and number of pixels, of rows -ry - 1 to ry + 1 of an ellipse."""
    if EMPTY_RADIUS in (rx, ry):
        return np.zeros(3, np.int16), np.zeros(3, np.uint16)
    canvas = np.zeros((2 * ry + 3, 2 * rx + 5), np.uint8)
    cv2.ellipse(canvas, (rx + 2, ry + 1), (rx, ry), 0, 0, 360, 1, -1)
    return (canvas.argmax(axis=1) - rx - 2).astype(np.int16), canvas.sum(axis=1).astype(np.uint16)


RUNS = PixelRuns()
