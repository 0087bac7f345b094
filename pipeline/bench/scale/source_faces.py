"""Small crops of real faces, which a large dataset repeats."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet
from pipeline.shards.crops import encode_crop

SIDE = 64  # pixels of a crop: the least that landmarks.crop_size takes, so that a million rows fit on a disk
QUALITY = 80  # of the JPEGs
MOST = 500  # different faces


@dataclass(frozen=True)
class SourceFace:
    """A face to repeat."""

    jpeg: bytes  # its crop of SIDE x SIDE pixels
    landmarks: np.ndarray  # (68, 2) float32, in pixels of the crop
    label: str


def read_source_faces(folder: Path) -> list[SourceFace]:
    """Read faces, spread over all face shards of a folder, and shrink their crops.

    Raises:
        InputError: If the shards cannot be read, or hold no face.
    """
    import cv2

    faces = ShardSet(folder, "faces")
    columns = faces.columns("status", "label")
    rows = np.flatnonzero(columns["status"] == Status.OK)
    if not rows.size:
        raise InputError(f"{folder} holds no face: check ingest and detect")
    scale = SIDE / faces.provenance["crop_size"]
    found = []
    for row in rows[np.unique(np.linspace(0, len(rows) - 1, MOST).round().astype(int))].tolist():
        small = cv2.resize(faces.crop(row), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        landmarks = (faces.row("landmarks", row) + 0.5) * scale - 0.5
        jpeg = encode_crop(small, "jpeg", QUALITY).tobytes()
        found.append(SourceFace(jpeg, landmarks.astype(np.float32), str(columns["label"][row])))
    return found
