"""Sets of shards to read and to damage."""

import cv2
import numpy as np
import pytest

from pipeline.shards import ShardWriter
from pipeline.shards.files import STRING_COLUMNS

SIDE = 16
NAMES = ["plain", "größe/ñ", "顔 1", 'a,"b"\n', "🙂", ""]


@pytest.fixture(scope="session")
def provenance():
    return {"stage": "landmarks", "crop_size": SIDE}


@pytest.fixture(scope="session")
def faces():
    """Makes the columns of some faces; every third row has no face."""

    def faces(start=0, rows=6):
        numbers = range(start, start + rows)
        crops = [b"" if number % 3 == 2 else jpeg(number * 10) for number in numbers]
        columns = {name: [f"{name} {NAMES[number % 6]}" for number in numbers] for name in STRING_COLUMNS}
        columns["id"] = [NAMES[number % 6] + str(number) for number in numbers]
        columns["status"] = ["ok" if crop else "no_face" for crop in crops]
        columns["reason"] = [""] * rows
        columns["key"] = np.full((rows, 32), start, np.uint8)
        columns["landmarks"] = np.arange(start * 136, (start + rows) * 136, dtype=np.float32).reshape(rows, 68, 2)
        columns["crop_offsets"] = np.cumsum([0, *map(len, crops)], dtype=np.int64)
        columns["crop_bytes"] = np.frombuffer(b"".join(crops), np.uint8)
        return columns

    return faces


def jpeg(value):
    return cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), value, np.uint8))[1].tobytes()


@pytest.fixture(scope="session")
def write(provenance):
    """Writes shards to a folder, and returns it."""

    def write(folder, *shards, provenance=provenance):
        with ShardWriter(folder, "faces", provenance) as writer:
            for columns in shards:
                writer.write(columns, len(columns["id"]))
        return folder

    return write


@pytest.fixture
def folder(tmp_path, faces, write):
    """A set of two shards, 6 and 4 rows."""
    return write(tmp_path / "faces", faces(0, 6), faces(6, 4))
