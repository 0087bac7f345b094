"""Faces of earlier runs, found in finished shards: photos may have been added, removed or reordered since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.shards.files import read_cached_shard

NO_KEY = bytes(32)  # the key of a row that no later run may use


@dataclass(frozen=True)
class Face:
    """The face of one photo."""

    status: str  # a Status
    reason: str
    landmarks: np.ndarray  # (68, 2) float32, (x, y) in crop pixels; zeros unless status is ok
    crop: np.ndarray  # (n,) uint8, encoded; empty unless status is ok


class EarlierFaces:
    """The faces in finished shards, by the key of everything that decides them."""

    def __init__(self, pages: Iterable[Path]) -> None:
        """``pages`` are shard files of faces; a damaged file counts as if it held nothing."""
        self._pages = list(pages)
        self._places: dict[bytes, tuple[int, int]] = {}
        self._read: tuple[int, dict[str, np.ndarray]] = -1, {}  # the page that was read last
        for number in range(len(self._pages)):
            for row, key in enumerate(self._columns(number, ["key"]).get("key", ())):
                self._places[key.tobytes()] = number, row
        self._places.pop(NO_KEY, None)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def recall(self, key: bytes) -> Face | None:
        """The face of a key, or None if its shard turns out to be damaged."""
        number, row = self._places[key]
        if self._read[0] != number:
            self._read = number, self._columns(number, ["status", "reason", "landmarks", "crop_offsets", "crop_bytes"])
        columns = self._read[1]
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
        """Some columns of a page; no column if the page is damaged."""
        try:
            return read_cached_shard(self._pages[number], "faces", names)
        except InputError:
            return {}
