"""Read a shard set: whole columns, or single rows in any order."""

import hashlib
import json
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np

from pipeline.runtime.progress import SILENT_SECONDS, progress
from pipeline.runtime.workers.parallel import threaded_map
from pipeline.shards.access import read_bytes
from pipeline.shards.crops import decode_crop
from pipeline.shards.errors import ShardError, run_again
from pipeline.shards.files import Column
from pipeline.shards.index import read_index
from pipeline.shards.open_files import OpenFiles
from pipeline.shards.shard_file import ShardFile

CROP_COLUMNS = ("crop_offsets", "crop_bytes")  # what ``crop`` reads
KEPT = ("split", "status", "label", "has_map")  # small columns that a run asks for again and again


class ShardSet:
    """Random access to the rows of a set.

    The form of a file is checked when the file is first needed, and a column is compared with its digest when a row of it is
    first read. ``check`` does both beforehand for many shards. Then a row is a read of bytes at a known place. A pickle or a
    fork carries what was found, so that the files are checked once, whatever the number of processes that read.

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
        self._kept: dict[str, np.ndarray] = {}  # the columns of KEPT that were read
        self._files: dict[int, ShardFile] = {}  # the shards whose form is checked
        self._open = OpenFiles()
        # Numbers in plain arrays: what belongs to a random row of a large set is in no cache of the processor.
        self._starts = array("q", accumulate((shard.rows for shard in self.shards), initial=0))
        self._places: dict[str, array] = {}  # name of a column -> where it starts in each file; -1 if it is not checked
        self._columns: dict[str, Column] = {}  # the same column of a shard, for its type and shape
        self._offsets = np.zeros(0, np.int64)  # crop_offsets of the checked shards, (rows + 1) for each shard

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": {}}  # a process that reads rows needs no columns

    def __len__(self) -> int:
        return self._starts[-1]

    def digest(self) -> str:
        """Return the SHA-256 of the provenance and of all columns' digests, which identifies the content of the set."""
        content = {"stamp": self.provenance, "shards": [[shard.rows, shard.columns] for shard in self.shards]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shard(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read some columns of one shard, and compare them with their digests. Strings are decoded.

        Raises:
            ShardError: If the file is damaged, or cannot be read.
        """
        file = self._file(number)
        stream = self._open.get(number, self._files)
        return {name: file.column(stream, name) for name in names}

    def columns(self, *names: str) -> dict[str, np.ndarray]:
        """Read some columns of all shards, each as one array over all rows (see ``shard``). Some may be read-only."""
        missing = [name for name in names if name not in self._kept]
        number, title = len(self.shards) if missing else 0, f"open {self.folder.name}"
        numbers = progress(range(number), total=number, title=title, unit="shards", delay=SILENT_SECONDS)
        shards = [self.shard(number, missing) for number in numbers]
        read = {name: np.concatenate([shard[name] for shard in shards]) for name in missing}
        for name in set(missing) & set(KEPT):
            read[name].flags.writeable = False
            self._kept[name] = read[name]
        return {name: read[name] if name in read else self._kept[name] for name in names}

    def column(self, name: str) -> np.ndarray:
        """Read one column of all shards as one array over all rows (see ``shard``)."""
        return self.columns(name)[name]

    def check(self, names: Sequence[str], rows: np.ndarray, part: int = 0, parts: int = 1) -> None:
        """Check the shards of some rows before the rows are read, as ``row`` and ``crop`` would do it one by one.

        Args:
            names: The columns of the rows that will be read.
            rows: (n,) the rows.
            part: Number of this process among those that share the work, from 0. Each compares the digests of a part of the
                shards, and checks the form of all.
            parts: Number of these processes.

        Raises:
            ShardError: If a file is damaged, or cannot be read.
        """
        places = np.unique(np.searchsorted(self._starts, rows, side="right") - 1).tolist()
        tasks = []
        for place, number in enumerate(places):
            if not all(self._is_checked(number, name) for name in names):
                is_ours = place % parts == part
                tasks.append((number, [name for name in names if is_ours or name == "crop_offsets"]))
        examined = progress(
            threaded_map(self._examine, tasks, "auto"),
            total=len(tasks),
            title=f"check {self.folder.name}",
            unit="shards",
            quiet=part > 0,
            delay=SILENT_SECONDS,
        )
        for (number, _), found in zip(tasks, examined, strict=True):
            self._keep(number, names, found)

    def row(self, name: str, row: int) -> np.ndarray:
        """Read one row of a numeric column.

        Raises:
            IndexError: If the set has no such row.
            ShardError: If the file is damaged, or cannot be read.
        """
        number = self._locate(row)
        if not self._is_checked(number, name):
            self._keep(number, [name], self._examine((number, [name])))
        column = self._columns[name]
        size = column.row_bytes
        start = self._places[name][number] + (row - self._starts[number]) * size
        return column.as_rows(read_bytes(self._open.get(number, self._files), self.kind, start, size))[0]

    def crop(self, row: int) -> np.ndarray:
        """Read the aligned crop of a row whose status is "ok".

        Returns:
            RGB image (crop_size, crop_size, 3) uint8.

        Raises:
            IndexError: If the set has no such row.
            ShardError: If the row holds no crop, or the file is damaged or cannot be read.
        """
        number = self._locate(row)
        if not self._is_checked(number, "crop_bytes"):
            self._keep(number, CROP_COLUMNS, self._examine((number, CROP_COLUMNS)))
        start, end = self._offsets[row + number : row + number + 2].tolist()
        place = self._places["crop_bytes"][number] + start
        encoded = read_bytes(self._open.get(number, self._files), self.kind, place, end - start)
        image = decode_crop(encoded, self.provenance.get("encoding", "jpeg")) if end > start else None
        if image is None:
            path, local = self.folder / self.shards[number].file, row - self._starts[number]
            raise ShardError(path, f"row {local} holds no crop", run_again(self.kind))
        return image

    def _is_checked(self, number: int, name: str) -> bool:
        return name in self._places and self._places[name][number] >= 0

    def _keep(self, number: int, names: Sequence[str], found: tuple[ShardFile, np.ndarray | None]) -> None:
        """Remember what ``_examine`` found about the columns ``names``."""
        file, offsets = found
        self._files[number] = file
        if offsets is not None:
            if not len(self._offsets):
                self._offsets = np.zeros(len(self) + len(self.shards), np.int64)
            first = self._starts[number] + number
            self._offsets[first : first + len(offsets)] = offsets
        for name in names:
            column = file.layout.columns[name]
            one = self._columns.setdefault(name, column)
            if (column.dtype, column.shape[1:]) != (one.dtype, one.shape[1:]):
                raise ShardError(
                    file.path, f"has another type or size of {name} than the other shards", run_again(self.kind)
                )
            places = self._places.setdefault(name, array("q", [-1]) * len(self.shards))
            places[number] = column.start

    def _examine(self, task: tuple[int, Sequence[str]]) -> tuple[ShardFile, np.ndarray | None]:
        """Check the form of a shard and the digests of some columns. Return it, and its crop_offsets if they are among them.

        This changes nothing, so that threads can share the work.
        """
        number, names = task
        file, offsets = self._find(number), None
        with file.open() as stream:
            for name in names:
                if name == "crop_offsets":
                    offsets = file.column(stream, name)
                else:
                    file.check(stream, name)
        return file, offsets

    def _file(self, number: int) -> ShardFile:
        if number not in self._files:
            self._files[number] = self._find(number)
        return self._files[number]

    def _find(self, number: int) -> ShardFile:
        shard = self.shards[number]
        return self._files.get(number) or ShardFile.find(self.folder / shard.file, self.kind, shard)

    def _locate(self, row: int) -> int:
        """Find the number of the shard that holds a row."""
        if not 0 <= row < len(self):
            raise IndexError(f"{self.folder} has no row {row}")
        return bisect_right(self._starts, row) - 1
