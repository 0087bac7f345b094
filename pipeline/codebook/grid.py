"""Where a map asks shapes for their values, and windows of such a grid.

Coordinates are pixels of each face's frame, (x, y), origin at the centre of the top left pixel. Faces are the last axis of
every array: work on all faces of a batch then runs over contiguous memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Window = tuple[slice, slice]  # rows and columns of a grid


@dataclass(frozen=True)
class Grid:
    """Points at which shapes are asked for their values.

    Attributes:
        x: Positions of the columns, (columns, N or 1).
        y: Positions of the rows, (rows, N or 1).
    """

    x: np.ndarray
    y: np.ndarray

    def window(self, low: np.ndarray, high: np.ndarray) -> Window:
        """Find the rows and columns outside of which no face has a point from ``low`` to ``high``, both (2, N)."""
        return span(self.y, low[1], high[1]), span(self.x, low[0], high[0])


@dataclass(frozen=True)
class SamplingGrid:
    """The points from which the cells of a map take their values.

    With whole pixels, a cell is the mean of four pixels, as bilinear shrinking without antialiasing has it: cell i lies at
    (i + 0.5) length / number - 0.5 and reads its two neighbours along each axis. Otherwise, a cell reads the point at its
    centre.

    Attributes:
        grid: The points.
        weights: Weights of the pixels along x and y, (2 number, N or 1) float32; None if all are equal.
        doubled: Whether a cell reads two points along each axis.
    """

    grid: Grid
    weights: tuple[np.ndarray, np.ndarray] | None
    doubled: bool

    @classmethod
    def create(cls, number: int, sizes: np.ndarray, whole_pixels: bool) -> "SamplingGrid":
        """Lay out a map of ``number`` x ``number`` cells.

        Args:
            number: Cells along each axis.
            sizes: (width, height) of the frames in pixels, (2, N), or (2, 1) if all are alike.
            whole_pixels: Whether a cell reads whole pixels.
        """
        lengths = sizes[:, None]  # (2, 1, N)
        places = (np.arange(number)[:, None] + 0.5) * lengths / number - 0.5  # (2, number, N)
        if not whole_pixels:
            return cls(Grid(*places), None, doubled=False)
        places = places.clip(0, lengths - 1)
        low = np.floor(places)
        second = places - low
        pixels = np.stack([low, np.minimum(low + 1, lengths - 1)], axis=2).reshape(2, 2 * number, -1)
        x, y = np.stack([1 - second, second], axis=2).reshape(2, 2 * number, -1).astype(np.float32)
        return cls(Grid(*pixels), None if (x == 0.5).all() and (y == 0.5).all() else (x, y), doubled=True)

    def cells_of(self, window: Window, margin: int) -> Window:
        """Find the cells that read a window of the grid, and ``margin`` more on each side as far as the map has them."""
        each = 2 if self.doubled else 1
        rows, columns = (
            slice(max(span.start // each - margin, 0), min(-(-span.stop // each) + margin, len(axis) // each))
            for span, axis in zip(window, (self.grid.y, self.grid.x), strict=True)
        )
        return rows, columns

    def pool(self, values: np.ndarray, window: Window) -> np.ndarray:
        """Add up the values that each cell reads.

        Args:
            values: Values at the points of the grid, (rows, columns, N) bool or float32.
            window: Cells to compute.

        Returns:
            Values of the cells in the window, (rows, columns, N), up to a common factor.
        """
        if not self.doubled:
            return values[window]
        rows, columns = (slice(2 * span.start, 2 * span.stop) for span in window)
        values = values[rows, columns]
        values = values.view(np.uint8) if values.dtype == bool else values
        if self.weights is not None:
            x, y = self.weights
            values = values * x[columns] * y[rows, None]
        values = values[:, 0::2] + values[:, 1::2]
        return values[0::2] + values[1::2]


def hull(windows: Iterable[Window]) -> Window:
    """Find the smallest window around all windows. Empty windows do not count."""
    filled = [(rows, columns) for rows, columns in windows if rows.start < rows.stop and columns.start < columns.stop]
    if not filled:
        return slice(0, 0), slice(0, 0)
    rows, columns = (
        slice(min(span.start for span in spans), max(span.stop for span in spans)) for spans in zip(*filled, strict=True)
    )
    return rows, columns


def span(positions: np.ndarray, low: np.ndarray, high: np.ndarray) -> slice:
    """Find the positions (P, N or 1) outside of which no face has one from ``low`` to ``high``, both (N,)."""
    inside = np.flatnonzero(((positions >= low) & (positions <= high)).any(axis=1))
    return slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0)
