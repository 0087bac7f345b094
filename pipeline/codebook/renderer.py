"""Heatmaps from landmarks: a pure function of landmarks, labels and a codebook.

Coordinates are pixels of the face's frame, (x, y), origin top left. A map has values in [0, 1]; row i is y, column j is x.
Codebooks with ``whole_pixels`` follow the released code's steps (each action unit drawn on a canvas, shrunk, blurred,
combined) without a canvas: shrinking reads at most four pixels a cell, so only those are asked whether a shape covers them.
Others are sampled at the centres of the cells, their edges at least a cell wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.codebook import Codebook, shapes
from pipeline.codebook.ellipse_raster import Grid, Window, hull
from pipeline.codebook.schema import ExpressionAU, Render, Shape, split
from pipeline.codebook.shapes import LandmarkBatch

BATCH_POINTS = 3 * 2**20  # of the grid, times faces, that are worked on together: bounds the memory
NOISE = 1e-5  # of a map's greatest value: a constant one may vary so much by rounding
LARGEST_FRAME = 32767  # pixels
COMBINE = {"max": np.maximum, "sum": np.add}


def to_frame(landmarks: np.ndarray, size: float, frame: float) -> np.ndarray:
    """Landmarks in pixels of a square of ``size`` as pixels of the same square at ``frame`` (pixel centres are whole
    numbers, as resizing an image has it)."""
    return (landmarks + 0.5) * (frame / size) - 0.5


def render(
    landmarks: np.ndarray,
    labels: Sequence[str],
    sizes: np.ndarray,
    codebook: Codebook,
    size: int = 28,
) -> tuple[np.ndarray, np.ndarray]:
    """The heatmaps of N faces, each for its label.

    ``landmarks`` (N, 68, 2) and ``sizes`` (N, 2) as (height, width) are in pixels of each face's own frame, where the
    codebook's ``px`` are pixels too. Returns maps (N, size, size) float32 in [0, 1] and has_map (N,) bool; a face has no
    map (zeros) if its expression has none, its landmarks are not finite, or all its regions lie outside the frame.

    Raises InputError for a label that the codebook does not have, ValueError for arrays that do not fit together.
    """
    landmarks, labels, sizes = np.asarray(landmarks, float), np.asarray(labels, str), np.asarray(sizes, float)
    number = len(landmarks)
    if landmarks.shape != (number, 68, 2) or labels.shape != (number,) or sizes.shape != (number, 2):
        raise ValueError(
            f"landmarks {landmarks.shape}, labels {labels.shape} and sizes {sizes.shape} must be (N, 68, 2), (N,), (N, 2)"
        )
    given = set(labels.tolist())
    codebook.refuse_unknown(given)
    maps, has_map = np.zeros((number, size, size), np.float32), np.zeros(number, bool)
    for label in sorted(given):
        _fill(maps, has_map, np.flatnonzero(labels == label), landmarks, sizes, codebook.cues[label], codebook)
    return maps, has_map


def render_cues(
    landmarks: np.ndarray, sizes: np.ndarray, cues: Sequence[ExpressionAU], codebook: Codebook, size: int = 28
) -> tuple[np.ndarray, np.ndarray]:
    """As ``render``, but the same cues for every face: one action unit, or an expression whatever the label."""
    number = len(landmarks)
    maps, has_map = np.zeros((number, size, size), np.float32), np.zeros(number, bool)
    _fill(maps, has_map, np.arange(number), landmarks, sizes, cues, codebook)
    return maps, has_map


def _fill(
    maps: np.ndarray,
    has_map: np.ndarray,
    rows: np.ndarray,
    landmarks: np.ndarray,
    sizes: np.ndarray,
    cues: Sequence[ExpressionAU],
    codebook: Codebook,
) -> None:
    """Render some rows of ``maps`` and ``has_map``, in batches that bound the memory."""
    if not ((sizes >= 1) & (sizes <= LARGEST_FRAME)).all():
        raise ValueError(f"sizes must be from 1 to {LARGEST_FRAME} pixels")
    size = maps.shape[-1]
    usable = rows[np.isfinite(landmarks[rows]).all(axis=(1, 2))] if cues else rows[:0]
    step = max(1, BATCH_POINTS // _points(codebook.render, size))
    for batch in (usable[start : start + step] for start in range(0, len(usable), step)):
        maps[batch], has_map[batch] = _render_batch(landmarks[batch], sizes[batch], cues, codebook, size)


@dataclass(frozen=True)
class SamplingGrid:
    """Where a map of ``number`` x ``number`` cells reads its shapes, for faces in frames of ``sizes`` (2, N or 1).

    With whole pixels a cell is the mean of four, as shrinking bilinearly without antialiasing has it: cell i lies at
    (i + 0.5) length / number - 0.5 and reads its two neighbours along each axis. Otherwise it is that place itself.
    """

    grid: Grid
    weights: tuple[np.ndarray, np.ndarray] | None  # of pixels along x and y, (2 number, N or 1); None if all are equal
    doubled: bool

    @classmethod
    def of(cls, number: int, sizes: np.ndarray, whole_pixels: bool) -> "SamplingGrid":
        lengths = sizes[:, None]  # (2, 1, N)
        places = (np.arange(number)[:, None] + 0.5) * lengths / number - 0.5  # (2, number, N)
        if not whole_pixels:
            return cls(Grid(*places), None, doubled=False)
        places = places.clip(0, lengths - 1)
        low = np.floor(places)
        second = places - low
        pixels = np.stack([low, np.minimum(low + 1, lengths - 1)], axis=2).reshape(2, 2 * number, -1)
        weights = np.stack([1 - second, second], axis=2).reshape(2, 2 * number, -1).astype(np.float32)
        return cls(Grid(*pixels), None if (weights == 0.5).all() else tuple(weights), doubled=True)

    def holding(self, window: Window, margin: int) -> Window:
        """The cells that read a window of the grid, and so many more around as the frame has."""
        each = 2 if self.doubled else 1
        axes = zip(window, (self.grid.y, self.grid.x), strict=True)
        return tuple(
            slice(max(span.start // each - margin, 0), min(-(-span.stop // each) + margin, len(axis) // each))
            for span, axis in axes
        )

    def pool(self, values: np.ndarray, window: Window) -> np.ndarray:
        """Values at the grid's points (rows, columns, N) to those of a window of cells, up to a common factor."""
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


def softened(
    faces: LandmarkBatch, region: Sequence[Shape], codebook: Codebook, cells: SamplingGrid
) -> tuple[np.ndarray, Window]:
    """A softened region: how much of it each cell reads, (rows, columns, N) up to a common factor, in a window of the cells
    outside of which it is 0."""
    render, number = codebook.render, faces.points.shape[2]
    hard = render.whole_pixels and render.combine == "max"
    values = np.zeros((len(cells.grid.y), len(cells.grid.x), number), bool if hard else np.float32)
    edge = None
    if not render.whole_pixels:
        cell = (faces.sizes / len(cells.grid.x)).max(axis=0)
        edge = np.maximum(faces.length(render.edge), cell) if render.edge else cell
    combine = COMBINE[render.combine]
    drawn = hull([shapes.add(values, shape, faces, cells.grid, edge, combine) for shape in region])
    # Twice the box's reach: mirrored at the window's border there is nothing, as there is beyond it.
    window = cells.holding(drawn, 2 * (render.soften // 2))
    return _box_sum(cells.pool(values, window), render.soften), window


def _render_batch(
    landmarks: np.ndarray, sizes: np.ndarray, cues: Sequence[ExpressionAU], codebook: Codebook, size: int
) -> tuple[np.ndarray, np.ndarray]:
    render = codebook.render
    points = np.ascontiguousarray(landmarks.transpose(1, 2, 0))
    sizes = sizes[:1] if (sizes == sizes[:1]).all() else sizes
    faces = LandmarkBatch(np.trunc(points) if render.whole_pixels else points, sizes.T[::-1], render.whole_pixels)
    number = render.cells or size
    cells = SamplingGrid.of(number, faces.sizes, render.whole_pixels)
    regions = _distinct(cues, codebook)
    extent, combined = max(number, size), None
    for region, weight in regions.items():
        values, window = softened(faces, region, codebook, cells)
        if combined is None:
            plain = size <= number and all(weight == 1 for weight in regions.values())
            combined = np.zeros((extent, extent, len(landmarks)), values.dtype if plain else np.float32)
        if size > number:
            whole = np.zeros((number, number, len(landmarks)), np.float32)
            whole[window] = values
            values, window = _enlarge(whole, size), np.s_[:, :]
        values = values if weight == 1 else values * np.float32(weight)
        COMBINE[render.combine](combined[window], values, out=combined[window])
    maps, has_map = _normalise(cv2.transpose(combined.reshape(extent**2, -1)))
    if size < extent:
        maps = maps.reshape(-1, extent, extent)
        shrunk = [cv2.resize(single, (size, size), interpolation=cv2.INTER_AREA).ravel() for single in maps]
        maps, has_map = _normalise(np.stack(shrunk))
    return maps.reshape(-1, size, size), has_map


def _distinct(cues: Sequence[ExpressionAU], codebook: Codebook) -> Mapping[tuple[Shape, ...], float]:
    """The shapes of each cue with its weight; action units that share their place are drawn once."""
    weights: dict[tuple[Shape, ...], float] = {}
    for cue in sorted(cues, key=lambda cue: split(cue.au)):
        region = codebook.regions[cue.au]
        if codebook.render.combine == "sum":  # of floats: the order in the file must not matter
            region = tuple(sorted(region, key=repr))
        if region not in weights:
            weights[region] = cue.weight
        elif codebook.render.combine == "sum":
            weights[region] += cue.weight
        else:
            weights[region] = max(weights[region], cue.weight)
    return weights


def _box_sum(maps: np.ndarray, width: int) -> np.ndarray:
    """Sum over boxes of width x width cells, (h, w, N); the border is mirrored without repeating the edge."""
    if width == 1:
        return maps
    if maps.dtype == np.uint8 and 4 * width**2 > 255:
        maps = maps.astype(np.uint16)
    for axis in (0, 1):
        maps = np.moveaxis(maps, axis, 0)
        total = maps.copy()
        for shift in range(1, width // 2 + 1):
            total[shift:] += maps[:-shift]
            total[:shift] += maps[shift:0:-1]
            total[:-shift] += maps[shift:]
            total[-shift:] += maps[-2 : -2 - shift : -1]
        maps = np.moveaxis(total, 0, axis)
    return maps


def _normalise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Min-max to [0, 1] per map (N, cells), and which maps are not constant, (N,); a constant map becomes zeros."""
    low, high = maps.min(axis=1), maps.max(axis=1)
    varies = high - low > NOISE * high
    extent = np.where(varies, high - low, 1).astype(np.float32)
    return (maps - np.where(varies, low, high)[:, None]).clip(0) / extent[:, None], varies


def _enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps (h, w, N) bilinearly at size x size."""
    extent = len(maps)
    place = ((np.arange(size) + 0.5) * extent / size - 0.5).clip(0, extent - 1)
    low = place.astype(int)
    share = (place - low).astype(np.float32)
    high = np.minimum(low + 1, extent - 1)
    rows = maps[low] * (1 - share)[:, None, None] + maps[high] * share[:, None, None]
    return rows[:, low] * (1 - share)[:, None] + rows[:, high] * share[:, None]


def _points(render: Render, size: int) -> int:
    return max(size, (render.cells or size) * (2 if render.whole_pixels else 1)) ** 2
