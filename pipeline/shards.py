"""HDF5 shards: with ``pipeline/shard_files.py`` the only code that touches HDF5.

A shard set is a folder of numbered ``00000.h5`` files and an ``index.json``, which is written last and so marks it complete.
Row i of one kind belongs to row i of the others, and all follow the manifest:

faces     id, label, split, subject, status, reason, aus (strings); landmarks (N, 68, 2) float32, (x, y) in crop pixels,
          origin top left; crop_bytes (bytes,) uint8 and crop_offsets (N + 1,) int64: JPEG of the aligned square crop.
          A row whose status is not "ok" has no crop (zero bytes) and zeros for landmarks.
heatmaps  maps (N, size, size) uint8 = 255 x heatmap; has_map (N,) bool.
class_heatmaps  the same for each of the stamp's classes: maps (N, classes, size, size), has_map (N, classes).

Datasets are contiguous and unfiltered: a row is one seek, and a declared size beyond the file's is a forgery. The index
holds a digest of every column, so that a reader checks what it reads and nothing else: rendering heatmaps opens no crop.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import cv2
import h5py
import numpy as np

from pipeline.errors import InputError
from pipeline.files import atomic, write_text
from pipeline.shard_files import (
    COLUMNS,
    INDEX,
    MADE_BY,
    SCHEMA,
    SHARD_NAME,
    Shard,
    digest_of,
    fixed_length,
    open_shard,
    read_index,
)

PIECE = 2**24  # bytes read at a time to check a column
MOST_OPEN = 100  # files of a set: some systems allow 256 a process, and each takes half a megabyte


class ShardWriter:
    """Context manager that fills ``folder`` with one set. An earlier set's index goes first, the new one comes last."""

    def __init__(self, folder: Path, kind: str, stamp: Mapping[str, object]) -> None:
        self._folder = folder
        self._kind = kind
        self._stamp = {**stamp, "code": f"aucue {version('aucue')}"}
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._refuse_foreign_content()
        (self._folder / INDEX).unlink(missing_ok=True)
        for stale in (*self._folder.glob("*.h5"), *self._folder.glob(".*.h5.*.tmp")):  # the latter of a killed writer
            stale.unlink()
        return self

    def _refuse_foreign_content(self) -> None:
        """A slip in a path must not delete somebody's data."""
        index = self._folder / INDEX
        try:
            kind = str(json.loads(index.read_text(encoding="utf-8"))["kind"]) if index.exists() else self._kind
        except (OSError, ValueError, KeyError, TypeError):
            kind = "something else"
        if MADE_BY.get(kind) != MADE_BY[self._kind]:
            raise InputError(f"{self._folder} holds {kind}, not {self._kind}: give another folder to write to")
        for path in self._folder.glob("*.h5"):
            if not SHARD_NAME.fullmatch(path.name):
                raise InputError(f"{path} is no shard of ours and would be lost: give another folder to write to")

    def write(self, columns: Mapping[str, np.ndarray | list[str]], rows: int) -> None:
        """Append a shard of ``rows`` rows, with all columns of the set's kind."""
        path = self._folder / f"{len(self._shards):05d}.h5"
        digests = {}
        with atomic(path) as temporary, h5py.File(temporary, "w", libver=("earliest", "v110")) as file:
            file.attrs["schema"] = SCHEMA
            file.attrs["kind"] = self._kind
            file.attrs["stamp"] = json.dumps(self._stamp, sort_keys=True)
            for name, (kind, _) in COLUMNS[self._kind].items():
                data = fixed_length(columns[name]) if kind == "S" else columns[name]
                digests[name] = digest_of(file.create_dataset(name, data=data), [data])
        self._shards.append(Shard(path.name, rows, digests))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            index = {
                "schema": SCHEMA,
                "kind": self._kind,
                "stamp": self._stamp,
                "shards": [vars(shard) for shard in self._shards],
            }
            write_text(self._folder / INDEX, json.dumps(index, indent=1, sort_keys=True) + "\n")


class ShardSet:
    """Random access to the rows of a set. Files open lazily, once per process, and never cross a fork or a pickle."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        """Open the set in ``folder``, which must be of one of the ``kinds``."""
        self.folder = folder
        self.kind, self.stamp, self.shards = read_index(folder, kinds)
        self._starts = np.cumsum([0] + [shard.rows for shard in self.shards])
        self._open: dict[int, h5py.File] = {}
        self._checked: set[tuple[int, str]] = set()
        self._process = os.getpid()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}

    def digest(self) -> str:
        """SHA-256 over the stamp and the digests of all columns: names the set's exact content."""
        content = {"stamp": self.stamp, "shards": [[shard.rows, shard.columns] for shard in self.shards]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shard(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Some columns of one shard, strings decoded. Its file does not stay open for it."""
        if number in self._opened():
            return {name: self._read(self._open[number], number, name) for name in names}
        with self._open_file(number) as file:
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
        return self._checked_data(number, name)[local]

    def crop(self, row: int) -> np.ndarray:
        """The aligned crop of an "ok" row as (crop_size, crop_size, 3) uint8 RGB."""
        number, local = self._locate(row)
        start, end = self._checked_data(number, "crop_offsets")[local : local + 2]
        crops = self._checked_data(number, "crop_bytes")
        image = cv2.imdecode(crops[start:end], cv2.IMREAD_COLOR_RGB) if end > start else None
        if image is None:
            raise InputError(f"{self.folder / self.shards[number].file} row {local} holds no crop: run `aucue landmarks`")
        return image

    def _read(self, file: h5py.File, number: int, name: str) -> np.ndarray:
        data = file[name]
        array = data[:]
        self._check(number, name, data, [array])
        return np.char.decode(array, "utf-8") if data.dtype.kind == "S" else array

    def _checked_data(self, number: int, name: str) -> h5py.Dataset:
        """A column to read rows from; the whole of it is checked when it is first asked for."""
        data = self._file(number)[name]
        if (number, name) not in self._checked:
            rows = max(1, PIECE // max(1, data.nbytes // max(1, len(data))))
            self._check(number, name, data, (data[start : start + rows] for start in range(0, len(data), rows)))
            self._checked.add((number, name))
        return data

    def _check(self, number: int, name: str, data: h5py.Dataset, pieces: Iterable[np.ndarray]) -> None:
        shard = self.shards[number]
        if digest_of(data, pieces) != shard.columns.get(name):
            raise InputError(
                f"{self.folder / shard.file} has another {name} than {INDEX} lists (SHA-256 differs): "
                f"run `aucue {MADE_BY[self.kind]}` again"
            )

    def _locate(self, row: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return number, row - int(self._starts[number])

    def _file(self, number: int) -> h5py.File:
        files = self._opened()
        files[number] = files.pop(number, None) or self._open_file(number)  # the latest is the last
        if len(files) > MOST_OPEN:
            files.pop(next(iter(files))).close()
        return files[number]

    def _opened(self) -> dict[int, h5py.File]:
        if self._process != os.getpid():  # forked: the parent's handles are not ours to use
            self._open, self._process = {}, os.getpid()
        return self._open

    def _open_file(self, number: int) -> h5py.File:
        shard = self.shards[number]
        return open_shard(self.folder / shard.file, self.kind, shard)
