"""Heatmaps from landmarks: a pure function of landmarks, labels and a codebook.

Coordinates are pixels of the face's frame, (x, y), origin at the centre of the top left pixel. A map has values in [0, 1];
row i is y and column j is x.

A codebook with ``whole_pixels`` follows the steps of the released code: draw each action unit on a canvas, shrink it, blur
it, combine all. The renderer needs no canvas: shrinking reads at most four pixels per cell, so it tests those pixels alone
against the shapes. Other codebooks are sampled at the centres of the cells, with edges at least a cell wide.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pipeline.codebook.codebook import Codebook
from pipeline.codebook.geometry import Shape
from pipeline.codebook.rendering import shapes
from pipeline.codebook.rendering.grid import SamplingGrid, Window, hull
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.schema import ExpressionAU, Render, split_key

BATCH_POINTS = 3 * 2**20  # points of the grid times faces in a batch: bounds the memory
NOISE = 1e-5  # of a map's greatest value: rounding may vary a constant map by so much
MAX_FRAME = 32767  # pixels
COMBINE = {"max": np.maximum, "sum": np.add}


def to_frame(landmarks: np.ndarray, size: float, frame: float) -> np.ndarray:
    """Scale landmarks from a frame of ``size`` x ``size`` pixels to the same frame at ``frame`` x ``frame`` pixels.

    In both, pixel centres are whole numbers, as in resizing an image.
    """
    return (landmarks + 0.5) * (frame / size) - 0.5


def render(
    landmarks: np.ndarray,
    labels: Sequence[str],
    sizes: np.ndarray,
    codebook: Codebook,
    size: int = 28,
) -> tuple[np.ndarray, np.ndarray]:
    """Render the heatmaps of N faces, each for its own label.

    Args:
        landmarks: Landmarks, (N, 68, 2) as (x, y) in pixels of each face's own frame.
        labels: Expression of each face, N names.
        sizes: (height, width) of each face's frame in pixels, (N, 2). The codebook's ``px`` are pixels of this frame.
        codebook: Codebook to render.
        size: Side of the maps in cells.

    Returns:
        Maps (N, size, size) float32 in [0, 1] and has_map (N,) bool. A face has no map (zeros) if its expression has none,
        if its landmarks are not finite, if all its regions lie outside the frame, or if its map would be constant.

    Raises:
        InputError: If the codebook has no expression for a label.
        ValueError: If the arrays do not fit together, or a frame is larger than MAX_FRAME.
    """
    landmarks, names, sizes = np.asarray(landmarks, float), np.asarray(labels, str), np.asarray(sizes, float)
    number = len(landmarks)
    if landmarks.shape != (number, 68, 2) or names.shape != (number,) or sizes.shape != (number, 2):
        raise ValueError(
            f"landmarks {landmarks.shape}, labels {names.shape} and sizes {sizes.shape} must be (N, 68, 2), (N,), (N, 2)"
        )
    expressions = set(names.tolist())
    codebook.refuse_unknown(expressions)
    maps, has_map = np.zeros((number, size, size), np.float32), np.zeros(number, bool)
    for expression in sorted(expressions):
        rows = np.flatnonzero(names == expression)
        _render_rows(maps, has_map, rows, landmarks, sizes, codebook.cues[expression], codebook)
    return maps, has_map


def render_cues(
    landmarks: np.ndarray, sizes: np.ndarray, cues: Sequence[ExpressionAU], codebook: Codebook, size: int = 28
) -> tuple[np.ndarray, np.ndarray]:
    """Render the same cues on every face: one action unit, or one expression whatever the label.

    Args:
        landmarks: As for ``render``, float.
        sizes: As for ``render``, float.
        cues: Action units to render, with their weights.
        codebook: Codebook with their regions.
        size: Side of the maps in cells.

    Returns:
        Maps and has_map, as ``render`` returns them.

    Raises:
        ValueError: If a frame is larger than MAX_FRAME.
    """
    number = len(landmarks)
    maps, has_map = np.zeros((number, size, size), np.float32), np.zeros(number, bool)
    _render_rows(maps, has_map, np.arange(number), landmarks, sizes, cues, codebook)
    return maps, has_map


def _render_rows(
    maps: np.ndarray,
    has_map: np.ndarray,
    rows: np.ndarray,
    landmarks: np.ndarray,
    sizes: np.ndarray,
    cues: Sequence[ExpressionAU],
    codebook: Codebook,
) -> None:
    """Render some rows of ``maps`` and ``has_map``, in batches that bound the memory."""
    if not ((sizes >= 1) & (sizes <= MAX_FRAME)).all():
        raise ValueError(f"sizes must be from 1 to {MAX_FRAME} pixels")
    size = maps.shape[-1]
    usable = rows[np.isfinite(landmarks[rows]).all(axis=(1, 2))] if cues else rows[:0]
    step = max(1, BATCH_POINTS // _grid_points(codebook.render, size))
    for batch in (usable[start : start + step] for start in range(0, len(usable), step)):
        maps[batch], has_map[batch] = _render_batch(landmarks[batch], sizes[batch], cues, codebook, size)


def draw_region(
    faces: LandmarkBatch, region: Sequence[Shape], codebook: Codebook, sampling: SamplingGrid
) -> tuple[np.ndarray, Window]:
    """Draw the shapes of one region and soften them.

    Args:
        faces: Landmarks of N faces.
        region: Shapes to draw.
        codebook: Codebook that says how to render.
        sampling: Points that the cells of the map read.

    Returns:
        How much of the region each cell reads, (rows, columns, N) up to a common factor, and the window of cells that these
        values belong to. Outside of the window, the region is 0.
    """
    render, number = codebook.render, faces.points.shape[2]
    hard = render.whole_pixels and render.combine == "max"
    grid = sampling.grid
    values = np.zeros((len(grid.y), len(grid.x), number), bool if hard else np.float32)
    edge = None
    if not render.whole_pixels:
        cell = (faces.sizes / len(grid.x)).max(axis=0)
        edge = np.maximum(faces.length(render.edge), cell) if render.edge else cell
    combine = COMBINE[render.combine]
    drawn = hull([shapes.draw(values, shape, faces, grid, edge, combine) for shape in region])
    # Twice the reach of the box: the cells that are mirrored at the window's border are then empty, as those beyond it are.
    window = sampling.cells_of(drawn, 2 * (render.soften // 2))
    return _box_sum(sampling.pool(values, window), render.soften), window


def _render_batch(
    landmarks: np.ndarray, sizes: np.ndarray, cues: Sequence[ExpressionAU], codebook: Codebook, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Maps and has_map of a batch of faces, all with the same cues. There is at least one cue."""
    render = codebook.render
    faces = LandmarkBatch.create(landmarks, sizes, render.whole_pixels)
    number = render.cells or size
    sampling = SamplingGrid.create(number, faces.sizes, render.whole_pixels)
    regions = _distinct_regions(cues, codebook)
    extent = max(number, size)
    plain = size <= number and all(weight == 1 for weight in regions.values())
    combined = np.zeros(0)  # allocated with the first region, whose type it has
    for region, weight in regions.items():
        values, window = draw_region(faces, region, codebook, sampling)
        if not combined.size:
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


def _distinct_regions(cues: Sequence[ExpressionAU], codebook: Codebook) -> Mapping[tuple[Shape, ...], float]:
    """The shapes of each cue with its weight. Action units that share their shapes are drawn once."""
    weights: dict[tuple[Shape, ...], float] = {}
    for cue in sorted(cues, key=lambda cue: split_key(cue.au)):
        region = codebook.regions[cue.au]
        # A sum of floats depends on the order, and the order in the file must not matter.
        if codebook.render.combine == "sum":
            region = tuple(sorted(region, key=repr))
        if region not in weights:
            weights[region] = cue.weight
        elif codebook.render.combine == "sum":
            weights[region] += cue.weight
        else:
            weights[region] = max(weights[region], cue.weight)
    return weights


def _box_sum(maps: np.ndarray, width: int) -> np.ndarray:
    """Sum over boxes of width x width cells, (h, w, N). The border is mirrored without repeating the edge."""
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
    """Stretch each map (N, cells) to [0, 1], and say which maps are not constant, (N,). A constant map becomes zeros."""
    low, high = maps.min(axis=1), maps.max(axis=1)
    varies = high - low > NOISE * high
    extent = np.where(varies, high - low, 1).astype(np.float32)
    return (maps - np.where(varies, low, high)[:, None]).clip(0) / extent[:, None], varies


def _enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Enlarge maps (h, w, N) bilinearly to size x size."""
    extent = len(maps)
    place = ((np.arange(size) + 0.5) * extent / size - 0.5).clip(0, extent - 1)
    low = place.astype(int)
    fraction = (place - low).astype(np.float32)
    high = np.minimum(low + 1, extent - 1)
    rows = maps[low] * (1 - fraction)[:, None, None] + maps[high] * fraction[:, None, None]
    return rows[:, low] * (1 - fraction)[:, None] + rows[:, high] * fraction[:, None]


def _grid_points(render: Render, size: int) -> int:
    """How many points the grid of one map has."""
    return max(size, (render.cells or size) * (2 if render.whole_pixels else 1)) ** 2
