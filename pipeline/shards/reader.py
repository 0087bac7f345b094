"""Reads a set: columns, or single rows wherever they lie."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.shards.crops import decode_crop
from pipeline.shards.files import MADE_BY, OpenShard, check, checked_column, decoded, open_shard, read_index

PIECE = 2**24  # bytes read at a time to check a column
MOST_OPEN = 100  # files of a set: some systems allow 256 a process, and each takes half a megabyte


class ShardSet:
    """Random access to the rows of a set. Files open lazily, once per process, and never cross a fork or a pickle."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        """Open the set in ``folder``, which must be of one of the ``kinds``."""
        self.folder = folder
        self.kind, self.provenance, self.shards = read_index(folder, kinds)
        self._starts = np.cumsum([0] + [shard.rows for shard in self.shards])
        self._open: dict[int, OpenShard] = {}
        self._checked: set[tuple[int, str]] = set()
        self._process = os.getpid()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}

    def digest(self) -> str:
        """SHA-256 over the stamp and the digests of all columns: names the set's exact content."""
        content = {"stamp": self.provenance, "shards": [[shard.rows, shard.columns] for shard in self.shards]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shard(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Some columns of one shard, strings decoded. Its file does not stay open for it."""
        if number in self._opened():
            return {name: self._read(self._open[number].file, number, name) for name in names}
        shard = self.shards[number]
        with open_shard(self.folder / shard.file, self.kind, shard) as file:
            return {name: self._read(file, number, name) for name in names}

    def columns(self, *names: str) -> dict[str, np.ndarray]:
        """Some columns over all shards."""
        shards = [self.shard(number, names) for number in range(len(self.shards))]
        return {name: np.concatenate([shard[name] for shard in shards]) for name in names}

    def column(self, name: str) -> np.ndarray:
        """One column over all shards."""
        return self.columns(name)[name]

    def row(self, name: str, row: int) -> np.ndarray:
        """One row of a numeric column."""
        number, local = self._locate(row)
        return self._rows(number, name, local, local + 1)[0]

    def crop(self, row: int) -> np.ndarray:
        """The aligned crop of an "ok" row as (crop_size, crop_size, 3) uint8 RGB."""
        number, local = self._locate(row)
        start, end = self._rows(number, "crop_offsets", local, local + 2).tolist()
        encoded = self._rows(number, "crop_bytes", start, end)
        image = decode_crop(encoded, self.provenance.get("encoding", "jpeg")) if end > start else None
        if image is None:
            raise InputError(f"{self.folder / self.shards[number].file} row {local} holds no crop: run `aucue landmarks`")
        return image

    def _read(self, file: h5py.File, number: int, name: str) -> np.ndarray:
        array = checked_column(file, name, self.shards[number], f"run `aucue {MADE_BY[self.kind]}` again")
        return decoded(array)

    def _rows(self, number: int, name: str, start: int, stop: int) -> np.ndarray:
        """Some rows of a column; the whole of it is checked when it is first asked for."""
        shard = self._opened_shard(number)
        if (number, name) not in self._checked:
            data = shard.file[name]
            step = max(1, PIECE // max(1, data.nbytes // max(1, len(data))))
            pieces = (data[first : first + step] for first in range(0, len(data), step))
            check(data, name, pieces, self.shards[number], f"run `aucue {MADE_BY[self.kind]}` again")
            self._checked.add((number, name))
        return shard.rows(name, start, stop)

    def _locate(self, row: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return number, row - int(self._starts[number])

    def _opened_shard(self, number: int) -> OpenShard:
        files = self._opened()
        if number not in files:
            shard = self.shards[number]
            files[number] = OpenShard(self.folder / shard.file, self.kind, shard)
        files[number] = files.pop(number)  # the latest is the last
        if len(files) > MOST_OPEN:
            files.pop(next(iter(files))).close()
        return files[number]

    def _opened(self) -> dict[int, OpenShard]:
        if self._process != os.getpid():  # forked: the parent's handles are not ours to use
            self._open, self._process = {}, os.getpid()
        return self._open
