"""Random faces to render: the mean face turned, scaled, moved and jittered. A renderer sees landmarks alone."""

from pathlib import Path

import numpy as np

from pipeline import codebook as codebooks
from pipeline.faces.mean_face import mean_face
from pipeline.heatmaps.stage import classes_of
from pipeline.runtime.status import Status
from pipeline.shards import ShardWriter

FRAME_SIDE = 224  # pixels of the frame that the renderers are timed in

SHARD_SIZE = 512  # faces
CROP_SIZE = 256  # pixels


def random_faces(number: int, rng: np.random.Generator, shift: float = 0.05) -> np.ndarray:
    """Draw the landmarks of random faces.

    Args:
        number: Number of faces.
        rng: Source of chance.
        shift: Largest shift along each axis, in fractions of the frame.

    Returns:
        Landmarks (number, 68, 2) as (x, y) in fractions of the frame.
    """
    face = mean_face() - 0.5 / FRAME_SIDE - 0.5  # pixel centres are whole numbers
    angle, scale = rng.uniform(-0.3, 0.3, number), rng.uniform(0.7, 1.1, number)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    moved = rng.uniform(-shift, shift, (number, 1, 2))
    return face @ (scale[:, None, None] * rotation) + rng.normal(0, 0.01, (number, 68, 2)) + moved + 0.5


def write_faces(folder: Path, number: int, codebook: str) -> None:
    """Write face shards of random faces without crops.

    Args:
        folder: Folder of face shards to write.
        number: Number of faces.
        codebook: Name of the codebook whose expressions are drawn as labels, beside neutral.
    """
    rng = np.random.default_rng(3)
    names = np.array([*classes_of(codebooks.load(codebook)), "neutral"])
    with ShardWriter(folder, "faces", {"crop_size": CROP_SIZE}) as writer:
        for start in range(0, number, SHARD_SIZE):
            rows = min(SHARD_SIZE, number - start)
            columns: dict[str, np.ndarray | list[str]] = {
                **{name: [""] * rows for name in ("split", "subject", "reason", "aus")},
                "id": [f"{start + row:07d}" for row in range(rows)],
                "status": [str(Status.OK)] * rows,
                "label": rng.choice(names, rows).tolist(),
                "landmarks": (random_faces(rows, rng) * CROP_SIZE).astype(np.float32),
                "key": np.zeros((rows, 32), np.uint8),
                "crop_offsets": np.zeros(rows + 1, np.int64),
                "crop_bytes": np.zeros(0, np.uint8),
            }
            writer.write(columns, rows)
