"""Faces and heatmaps of noise, for machines without photos."""

from pathlib import Path

import numpy as np

from pipeline.runtime.status import Status
from pipeline.shards import ShardSet, ShardWriter
from pipeline.shards.crops import encode_crop

LABELS = ("anger", "happiness", "neutral")
CELLS = 28
VALIDATION = 3  # of so many faces, one is a validation face


def write_set(folder: Path, number: int, crop_size: int) -> tuple[Path, Path]:
    """Write face shards and their heatmap shards.

    A face is soft noise with a bright patch where its label's heatmap is. Neutral faces have neither.

    Args:
        folder: Folder to make.
        number: Number of faces.
        crop_size: Side of a crop in pixels.

    Returns:
        The folders of faces and of heatmaps.
    """
    chance = np.random.default_rng(0)
    maps = [_heatmap(row) for row in (8, 20)] + [np.zeros((CELLS, CELLS))]
    labels = [number % len(LABELS) for number in range(number)]
    crops = [encode_crop(_face(chance, maps[label], crop_size), "jpeg", 95) for label in labels]
    faces, heatmaps = folder / "faces", folder / "heatmaps"
    with ShardWriter(faces, "faces", {"crop_size": crop_size, "encoding": "jpeg"}) as writer:
        columns = {
            "id": [f"{number:06d}" for number in range(number)],
            "label": [LABELS[label] for label in labels],
            "split": ["train" if number // len(LABELS) % VALIDATION else "validation" for number in range(number)],
            "status": [str(Status.OK)] * number,
            **{name: [""] * number for name in ("subject", "reason", "aus")},
            "key": np.zeros((number, 32), np.uint8),
            "landmarks": np.zeros((number, 68, 2), np.float32),
            "crop_offsets": np.cumsum([0, *map(len, crops)], dtype=np.int64),
            "crop_bytes": np.concatenate(crops),
        }
        writer.write(columns, number)
    with ShardWriter(heatmaps, "heatmaps", {"size": CELLS}, {"faces_sha256": ShardSet(faces, "faces").digest()}) as writer:
        levels = np.stack([np.round(255 * maps[label]).astype(np.uint8) for label in labels])
        writer.write({"maps": levels, "has_map": levels.any(axis=(1, 2))}, number)
    return faces, heatmaps


def _heatmap(row: int) -> np.ndarray:
    """A round spot (CELLS, CELLS) in [0, 1] in the middle of a row."""
    rows, columns = np.mgrid[:CELLS, :CELLS]
    return np.exp(-((rows - row) ** 2 + (columns - CELLS / 2) ** 2) / 20)


def _face(chance: np.random.Generator, heatmap: np.ndarray, size: int) -> np.ndarray:
    """A crop (size, size, 3) uint8."""
    cells = (np.arange(size) * CELLS // size)[:, None], np.arange(size) * CELLS // size
    noise = chance.integers(40, 120, (CELLS, CELLS, 3))[cells] + chance.integers(0, 30, (size, size, 3))
    return np.clip(noise + 90 * heatmap[cells][..., None], 0, 255).astype(np.uint8)
