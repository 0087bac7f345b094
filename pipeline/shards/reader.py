"""Read a shard set: whole columns, or single rows in any order."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from pipeline.shards.crops import decode_crop
from pipeline.shards.errors import ShardError
from pipeline.shards.files import check_column, decode_strings, open_shard, read_column
from pipeline.shards.index import MADE_BY, read_index, run_again
from pipeline.shards.open_shards import OpenShards

PIECE = 2**24  # bytes read at a time to check a column


class ShardSet:
    """Random access to the rows of a set.

    Files open lazily, once per process, and an open file never crosses a fork or a pickle. The first read of a column of a
    shard checks the whole column against its digest.

    Attributes:
        folder: Folder of the set.
        kind: ``faces``, ``heatmaps`` or ``class_heatmaps``.
        provenance: Everything that decides the content of the set: stage, parameters, digests of the inputs.
        shards: The entries of the index, in the order of their rows.
    """

    def __init__(self, folder: Path, *kinds: str) -> None:
        """Open the set in ``folder``, which must be of one of the ``kinds``.

        Raises:
            ShardError: If there is no complete set of these kinds in the folder.
        """
        self.folder = folder
        self.kind, self.provenance, self.shards = read_index(folder, kinds)
        self._starts = np.cumsum([0] + [shard.rows for shard in self.shards])
        self._files = OpenShards(folder, self.kind, self.shards)
        self._checked: set[tuple[int, str]] = set()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def digest(self) -> str:
        """Return the SHA-256 of the provenance and of all columns' digests, which identifies the content of the set."""
        content = {"stamp": self.provenance, "shards": [[shard.rows, shard.columns] for shard in self.shards]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shard(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read some columns of one shard. Strings are decoded. The file is closed again if it was not open before.

        Raises:
            ShardError: If the file is missing or damaged.
        """
        if (opened := self._files.get_if_open(number)) is not None:
            return {name: self._read(opened.file, number, name) for name in names}
        shard = self.shards[number]
        with open_shard(self.folder / shard.file, self.kind, shard) as file:
            return {name: self._read(file, number, name) for name in names}

    def columns(self, *names: str) -> dict[str, np.ndarray]:
        """Read some columns of all shards, each as one array over all rows (see ``shard``)."""
        shards = [self.shard(number, names) for number in range(len(self.shards))]
        return {name: np.concatenate([shard[name] for shard in shards]) for name in names}

    def column(self, name: str) -> np.ndarray:
        """Read one column of all shards as one array over all rows (see ``shard``)."""
        return self.columns(name)[name]

    def row(self, name: str, row: int) -> np.ndarray:
        """Read one row of a numeric column.

        Raises:
            IndexError: If the set has no such row.
            ShardError: If the file is missing or damaged.
        """
        number, local = self._locate(row)
        return self._rows(number, name, local, local + 1)[0]

    def crop(self, row: int) -> np.ndarray:
        """Read the aligned crop of a row whose status is "ok".

        Returns:
            RGB image (crop_size, crop_size, 3) uint8.

        Raises:
            IndexError: If the set has no such row.
            ShardError: If the row holds no crop, or the file is missing or damaged.
        """
        number, local = self._locate(row)
        start, end = self._rows(number, "crop_offsets", local, local + 2).tolist()
        encoded = self._rows(number, "crop_bytes", start, end)
        image = decode_crop(encoded, self.provenance.get("encoding", "jpeg")) if end > start else None
        if image is None:
            path = self.folder / self.shards[number].file
            raise ShardError(path, f"row {local} holds no crop", f"run `aucue {MADE_BY[self.kind]}`")
        return image

    def _read(self, file: h5py.File, number: int, name: str) -> np.ndarray:
        return decode_strings(read_column(file, name, self.shards[number], run_again(self.kind)))

    def _rows(self, number: int, name: str, start: int, stop: int) -> np.ndarray:
        """Read some rows of a column. The whole column is checked the first time."""
        shard = self._files.get(number)
        if (number, name) not in self._checked:
            data = shard.file[name]
            step = max(1, PIECE // max(1, data.nbytes // max(1, len(data))))
            pieces = (data[first : first + step] for first in range(0, len(data), step))
            check_column(data, name, pieces, self.shards[number], run_again(self.kind))
            self._checked.add((number, name))
        return shard.rows(name, start, stop)

    def _locate(self, row: int) -> tuple[int, int]:
        """Find the number of the shard that holds a row, and the row's position in that shard."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return number, row - int(self._starts[number])
