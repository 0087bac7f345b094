"""Find the faces of earlier runs in finished shards, even if photos were added, removed or reordered since."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from pipeline.landmarks.face import Face
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import SILENT_SECONDS, progress
from pipeline.shards.shard_file import read_cached_shard

NO_KEY = bytes(32)  # the key of a row that no later run may use


class EarlierFaces:
    """The faces in finished shards, by the key of everything that decides a face."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Index the keys of finished shards.

        Args:
            files: Shard files of faces. A file that is damaged or cannot be read counts as empty.
        """
        self._files = list(files)
        self._places: dict[bytes, tuple[int, int]] = {}  # key -> (file, row)
        self._latest: tuple[int, dict[str, np.ndarray]] = -1, {}  # the file that was read last, and its columns
        total, title = len(self._files), "landmarks: earlier faces"
        for number in progress(range(total), total=total, title=title, unit="shards", delay=SILENT_SECONDS):
            for row, key in enumerate(self._columns(number, ["key"]).get("key", ())):
                self._places[key.tobytes()] = number, row
        self._places.pop(NO_KEY, None)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def recall(self, key: bytes) -> Face | None:
        """Read the face of a known key; return None if its shard turns out to be damaged."""
        number, row = self._places[key]
        if self._latest[0] != number:
            self._latest = number, self._columns(number, ["status", "reason", "landmarks", "crop_offsets", "crop_bytes"])
        columns = self._latest[1]
        if not columns:
            return None
        start, end = columns["crop_offsets"][row : row + 2]
        return Face(
            str(columns["status"][row]),
            str(columns["reason"][row]),
            columns["landmarks"][row],
            columns["crop_bytes"][start:end],
        )

    def _columns(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read some columns of a file; a file that is damaged or cannot be read has no column."""
        try:
            return read_cached_shard(self._files[number], "faces", names)[1]
        except InputError:
            return {}
