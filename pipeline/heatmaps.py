"""Stage heatmaps: where a FACS expert would look, one small map per face for its label.

Coordinates are pixels of the face's frame, (x, y), origin top left. A map has values in [0, 1]; row i is y, column j is x.
The steps are those of the released code (each action unit drawn on a canvas, shrunk, blurred, combined), computed without
a canvas: shrinking reads at most four pixels a cell, so only those are asked whether an ellipse covers them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook, Ellipse, Length, Region
from pipeline.errors import InputError
from pipeline.params import Heatmaps
from pipeline.progress import progress
from pipeline.shards import ShardSet, ShardWriter

METHOD_SIZE = 28  # cells; the blur's reach is defined in them
BATCH = 256  # faces at a time at that size: bounds the memory


def main(params: Heatmaps, faces_dir: Path, heatmaps_dir: Path) -> Counter[str]:
    """Render the map of every face in the face shards into parallel heatmap shards; returns how many rows have a map,
    and how many have none for which reason."""
    book = codebooks.load(params.codebook)
    faces = ShardSet(faces_dir, "faces")
    stamp = {
        "stage": "heatmaps",
        "codebook": book.name,
        "codebook_sha256": book.digest(),
        "size": params.size,
        "faces_sha256": faces.digest(),
    }
    counts: Counter[str] = Counter()
    shards = progress(range(len(faces.shards)), total=len(faces.shards), title="heatmaps", unit="shards")
    with ShardWriter(heatmaps_dir, "heatmaps", stamp) as writer:
        for number in shards:
            rows = faces.shard(number)
            maps, has_map = _render_shard(rows, faces.stamp["crop_size"], book, params.size)
            writer.write({"maps": maps, "has_map": has_map}, len(maps))
            counts.update(_outcomes(rows, has_map, book))
    return counts


def render(
    landmarks: np.ndarray,
    labels: Sequence[str],
    sizes: np.ndarray,
    codebook: Codebook,
    size: int = 28,
) -> tuple[np.ndarray, np.ndarray]:
    """The heatmaps of N faces.

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
    unknown = sorted(set(labels.tolist()) - set(codebook.expressions))
    if unknown:
        raise InputError(
            f"codebook {codebook.name} has no expression {', '.join(unknown)}: add it there (none, if it has no map)"
        )
    cells = max(size, METHOD_SIZE)
    batch_size = max(1, BATCH * METHOD_SIZE**2 // cells**2)
    maps = np.zeros((number, size, size), np.float32)
    has_map = np.zeros(number, bool)
    finite = np.isfinite(landmarks).all(axis=(1, 2))
    for label in sorted(set(labels.tolist())):
        regions = [codebook.regions[au] for au in codebook.expressions[label]]
        if regions:
            members = np.flatnonzero((labels == label) & finite)
            for batch in (members[start : start + batch_size] for start in range(0, len(members), batch_size)):
                drawn, has_map[batch] = _expression_maps(
                    landmarks[batch], sizes[batch], regions, codebook.whole_pixels, cells
                )
                maps[batch] = drawn if size == cells else _normalise(_shrink(drawn, size))
    return maps, has_map


def au_maps(
    landmarks: np.ndarray, sizes: np.ndarray, region: Region, whole_pixels: bool, size: int = 28
) -> tuple[np.ndarray, np.ndarray]:
    """One action unit on N faces before blurring: maps (N, size, size) float32, the share of each cell's sample weight
    inside the region, and drawn (N,) bool, false where the region lies outside the frame."""
    x, weight_x = _samples(sizes[:, 1], size)
    y, weight_y = _samples(sizes[:, 0], size)
    covered = np.zeros((len(landmarks), 2 * size, 2 * size), bool)
    drawn = np.zeros(len(landmarks), bool)
    for ellipse in region.ellipses:
        centre, radii = _place(ellipse, np.trunc(landmarks) if whole_pixels else landmarks, sizes, whole_pixels)
        visible = _visible(centre, radii, sizes)
        drawn |= visible
        # A drawn ellipse covers the pixels whose centres are within half a pixel of it.
        across = ((x - centre[:, :1]) / (radii[:, :1] + 0.5)) ** 2  # (N, 2 size)
        down = ((y - centre[:, 1:]) / (radii[:, 1:] + 0.5)) ** 2
        inside = across[:, None, :].astype(np.float32) + down[:, :, None].astype(np.float32) <= 1
        covered |= inside & visible[:, None, None]
    weighted = covered * weight_y[:, :, None] * weight_x[:, None, :]
    return weighted.reshape(-1, size, 2, size, 2).sum(axis=(2, 4)), drawn


def _render_shard(rows: dict[str, np.ndarray], crop_size: int, book: Codebook, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps (N, size, size) uint8 and has_map (N,) of a face shard. Each crop is rendered as if it had the codebook's
    reference size, so that a map does not depend on the resolution that crops are stored at."""
    maps = np.zeros((len(rows["label"]), size, size), np.uint8)
    has_map = np.zeros(len(maps), bool)
    usable = np.flatnonzero(rows["status"] == "ok")
    scale = book.reference_size / crop_size
    sizes = np.full((len(usable), 2), book.reference_size)
    rendered, has_map[usable] = render(rows["landmarks"][usable] * scale, rows["label"][usable], sizes, book, size)
    maps[usable] = np.rint(rendered * 255)
    return maps, has_map


def _outcomes(rows: dict[str, np.ndarray], has_map: np.ndarray, book: Codebook) -> Iterator[str]:
    for status, label, drawn in zip(rows["status"], rows["label"], has_map, strict=True):
        if drawn:
            yield "with a map"
        elif status != "ok":
            yield f"without: {status}"
        elif not book.expressions[str(label)]:
            yield f"without: {label} has no action units"
        else:
            yield "without: no region in the crop"


def _expression_maps(
    landmarks: np.ndarray, sizes: np.ndarray, regions: list[Region], whole_pixels: bool, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Per-cell maximum over the blurred action units, then min-max to [0, 1] per face."""
    combined = np.zeros((len(landmarks), size, size), np.float32)
    for region in regions:
        maps, _ = au_maps(landmarks, sizes, region, whole_pixels, size)
        np.maximum(combined, _box_blur(maps), out=combined)
    normalised = _normalise(combined)
    return normalised, normalised.any(axis=(1, 2))


def _normalise(maps: np.ndarray) -> np.ndarray:
    """Min-max to [0, 1] per map (N, h, w); a constant map becomes zeros."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return (maps - low) / np.where(high > low, high - low, 1)


def _shrink(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps (N, h, w) averaged by area to (N, size, size)."""
    return np.stack([cv2.resize(single, (size, size), interpolation=cv2.INTER_AREA) for single in maps])


def _place(ellipse: Ellipse, points: np.ndarray, sizes: np.ndarray, whole_pixels: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centre (N, 2) and radii (N, 2), both (x, y). A radius that is not positive and has no replacement stays so."""
    shape = (ellipse.centre.x, ellipse.offset.x, ellipse.rx), (ellipse.centre.y, ellipse.offset.y, ellipse.ry)
    centre, radii = np.empty((len(points), 2)), np.empty((len(points), 2))
    for axis, (anchors, offset, radius) in enumerate(shape):
        mean = points[:, anchors, axis].mean(axis=1)
        centre[:, axis] = np.trunc(mean) if whole_pixels else mean
        centre[:, axis] += _length(offset, axis, points, sizes, whole_pixels)
        radii[:, axis] = _length(radius, axis, points, sizes, whole_pixels)
    if ellipse.inside:
        centre[:, 0] = np.clip(centre[:, 0], 0, sizes[:, 1])
    return centre, radii


def _length(length: Length, axis: int, points: np.ndarray, sizes: np.ndarray, whole_pixels: bool) -> np.ndarray:
    """A length in pixels for each face, (N,); ``axis`` 0 is x, 1 is y."""
    if length.px is not None:
        return np.full(len(points), length.px)
    if length.half is not None:
        first, second = length.half
        halved = (points[:, second, axis] - points[:, first, axis] + length.plus) / 2
        halved = np.trunc(halved) if whole_pixels else halved
        return halved if length.otherwise is None else np.where(halved > 0, halved, length.otherwise)
    fraction = length.width * sizes[:, 1] if length.width is not None else length.height * sizes[:, 0]
    return np.rint(fraction) if whole_pixels else fraction


def _visible(centre: np.ndarray, radii: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whether an ellipse has a size and its box reaches into the frame, (N,) bool."""
    reaches = (centre + radii >= 0) & (centre - radii <= sizes[:, ::-1] - 1)
    return (reaches & (radii >= 0)).all(axis=1)


def _samples(lengths: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that bilinear shrinking to ``size`` cells reads along one axis, and their weights, both (N, 2 size): cell i
    lies at (i + 0.5) length / size - 0.5 and reads its two neighbours."""
    position = (np.arange(size) + 0.5) * lengths[:, None] / size - 0.5
    position = position.clip(0, lengths[:, None] - 1)
    low = np.floor(position)
    weight = (position - low).astype(np.float32)
    pixels = np.stack([low, np.minimum(low + 1, lengths[:, None] - 1)], axis=2)
    weights = np.stack([1 - weight, weight], axis=2)
    return pixels.reshape(len(lengths), -1), weights.reshape(len(lengths), -1)


def _box_blur(maps: np.ndarray) -> np.ndarray:
    """3 x 3 mean over (N, h, w); the border is mirrored without repeating the edge."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9
