"""HDF5 shards: with ``pipeline/shard_files.py`` the only code that touches HDF5.

A shard set is a folder of numbered ``00000.h5`` files and an ``index.json``, which is written last and so marks it complete.
Each file says by itself what it is, too: schema, kind, stamp, and a digest of every column.
Row i of one kind belongs to row i of the others, and all follow the manifest:

faces     id, label, split, subject, status, reason, aus (strings); landmarks (N, 68, 2) float32, (x, y) in crop pixels,
          origin top left; crop_bytes (bytes,) uint8 and crop_offsets (N + 1,) int64: the aligned square crop as JPEG, or as
          RGB bytes where the stamp's encoding is raw. A row whose status is not "ok" has no crop (zero bytes) and zeros for
          landmarks. key (N, 32) uint8: SHA-256 of what decides crop and landmarks; zeros where that cannot be known.
heatmaps  maps (N, size, size) uint8 = 255 x heatmap; has_map (N,) bool.
class_heatmaps  the same for each of the stamp's classes: maps (N, classes, size, size), has_map (N, classes).

Datasets are contiguous and unfiltered: a row is one seek, and a declared size beyond the file's is a forgery. The index
holds a digest of every column, so that a reader checks what it reads and nothing else: rendering heatmaps opens no crop.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType

import h5py
import numpy as np

from pipeline.cache import Pages, key, link
from pipeline.crops import decode_crop
from pipeline.errors import InputError
from pipeline.files import atomic, write_text
from pipeline.shard_files import (
    COLUMNS,
    INDEX,
    MADE_BY,
    SCHEMA,
    SHARD_NAME,
    OpenShard,
    Shard,
    check,
    checked_column,
    decoded,
    digest_of,
    fixed_length,
    open_shard,
    read_index,
    read_page,
    shard_of,
)

FROZEN: Mapping[str, object] = MappingProxyType({})
PIECE = 2**24  # bytes read at a time to check a column
MOST_OPEN = 100  # files of a set: some systems allow 256 a process, and each takes half a megabyte


class ShardWriter:
    """Context manager that fills ``folder`` with one set. It is built beside the folder and takes its place when it is
    whole: until then an earlier set stays as it is."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        stamp: Mapping[str, object],
        whole: Mapping[str, object] = FROZEN,
        cache: Path | None = None,
    ) -> None:
        """``stamp`` says what decides each shard, besides its rows; ``whole`` what only the set as a whole comes from."""
        self._folder = folder
        self._building = folder.with_name(f".{folder.name}.partial")
        self._kind = kind
        self._stamp = {**stamp, "code": f"aucue {version('aucue')}"}
        self._whole = whole
        self._pages = Pages(cache, kind)
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self._refuse_foreign_content()
        shutil.rmtree(self._building, ignore_errors=True)  # of a killed writer
        self._building.mkdir(parents=True)
        return self

    def _refuse_foreign_content(self) -> None:
        """A slip in a path must not delete somebody's data."""
        if self._folder.exists() and not self._folder.is_dir():
            raise InputError(f"{self._folder} is a file: give a folder to write to")
        index = self._folder / INDEX
        foreign = [path for path in self._folder.glob("*") if path.name != INDEX and not SHARD_NAME.fullmatch(path.name)]
        for path in foreign:
            if path.suffix == ".h5":
                raise InputError(f"{path} is no shard of ours and would be lost: give another folder to write to")
        try:
            kind = str(json.loads(index.read_text(encoding="utf-8"))["kind"])
        except (OSError, ValueError, KeyError, TypeError):  # none, or a damaged one among our own files
            kind = "other files" if foreign else self._kind
        if MADE_BY.get(kind) != MADE_BY[self._kind]:
            raise InputError(f"{self._folder} holds {kind}, not {self._kind}: give another folder to write to")

    def key(self, *rows: object) -> str:
        """The key of a shard, for what decides its rows."""
        return key(SCHEMA, self._stamp, *rows)

    def has(self, key: str) -> bool:
        """Whether a shard of an earlier run can be adopted, as it seems."""
        return self._pages.find(key) is not None

    def adopt(self, key: str, names: Sequence[str]) -> dict[str, np.ndarray] | None:
        """Append the shard that an earlier run finished, if there is one and it is sound; returns some of its columns."""
        page = self._pages.find(key)
        if page is None:
            return None
        try:
            columns = read_page(page, self._kind, list(COLUMNS[self._kind]))
        except InputError:
            page.unlink()
            return None
        shard = replace(shard_of(page, self._kind), file=self._next)
        link(page, self._building / shard.file)
        self._shards.append(shard)
        return {name: columns[name] for name in names}

    def write(self, columns: Mapping[str, np.ndarray | list[str]], rows: int, key: str | None = None) -> Shard:
        """Append a shard of ``rows`` rows, with all columns of the set's kind; with a ``key``, later runs can adopt it."""
        path = self._building / self._next
        image, digests = self._image(columns, rows)
        with atomic(path) as temporary:
            temporary.write_bytes(image)
        if key:
            self._pages.keep(key, path)
        self._shards.append(Shard(path.name, rows, digests))
        return self._shards[-1]

    def _image(self, columns: Mapping[str, np.ndarray | list[str]], rows: int) -> tuple[bytes, dict[str, str]]:
        """A shard's file and the digests of its columns. Made in memory: HDF5 can crash the process on a full disk."""
        digests = {}
        with h5py.File("shard", "w", libver=("earliest", "v110"), driver="core", backing_store=False) as file:
            file.attrs["schema"] = SCHEMA
            file.attrs["kind"] = self._kind
            file.attrs["stamp"] = json.dumps(self._stamp, sort_keys=True)
            for name, (letter, _) in COLUMNS[self._kind].items():
                data = fixed_length(columns[name]) if letter == "S" else columns[name]
                digests[name] = digest_of(file.create_dataset(name, data=data), [data])
            file.attrs["rows"] = rows
            file.attrs["columns"] = json.dumps(digests, sort_keys=True)
            file.flush()
            return file.id.get_file_image(), digests

    @property
    def _next(self) -> str:
        return f"{len(self._shards):05d}.h5"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            index = {
                "schema": SCHEMA,
                "kind": self._kind,
                "stamp": {**self._stamp, **self._whole},
                "shards": [vars(shard) for shard in self._shards],
            }
            write_text(self._building / INDEX, json.dumps(index, indent=1, sort_keys=True) + "\n")
            self._publish()
        shutil.rmtree(self._building, ignore_errors=True)

    def _publish(self) -> None:
        """Put the new set in the place of an earlier one. Its index goes first, the new one comes last."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / INDEX).unlink(missing_ok=True)
        for stale in self._folder.glob("*.h5"):
            stale.unlink()
        for shard in self._shards:
            os.rename(self._building / shard.file, self._folder / shard.file)
        os.rename(self._building / INDEX, self._folder / INDEX)


class ShardSet:
    """Random access to the rows of a set. Files open lazily, once per process, and never cross a fork or a pickle."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        """Open the set in ``folder``, which must be of one of the ``kinds``."""
        self.folder = folder
        self.kind, self.stamp, self.shards = read_index(folder, kinds)
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
        content = {"stamp": self.stamp, "shards": [[shard.rows, shard.columns] for shard in self.shards]}
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
        image = decode_crop(encoded, self.stamp.get("encoding", "jpeg")) if end > start else None
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
