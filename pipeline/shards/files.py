"""What a shard file and its index hold, and how to open one that may have been tampered with."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import h5py
import numpy as np

from pipeline.runtime.errors import InputError

SCHEMA = 3
INDEX = "index.json"
SHARD_NAME = re.compile(r"\d{5,}\.h5")
STRINGS = ("id", "label", "split", "subject", "status", "reason", "aus")
# Each column's kind of dtype and its shape after the rows; None is any length.
COLUMNS: dict[str, dict[str, tuple[str, tuple[int | None, ...]]]] = {
    "faces": {
        **dict.fromkeys(STRINGS, ("S", ())),
        "key": ("u", (32,)),
        "landmarks": ("f", (68, 2)),
        "crop_offsets": ("i", ()),
        "crop_bytes": ("u", ()),
    },
    "heatmaps": {"maps": ("u", (None, None)), "has_map": ("b", ())},
    "class_heatmaps": {"maps": ("u", (None, None, None)), "has_map": ("b", (None,))},
}
MADE_BY = {"faces": "landmarks", "heatmaps": "heatmaps", "class_heatmaps": "heatmaps"}


@dataclass(frozen=True)
class Shard:
    """One file of a set, as the index lists it."""

    file: str
    rows: int
    columns: dict[str, str]  # SHA-256 of each, by name


def read_index(folder: Path, kinds: tuple[str, ...]) -> tuple[str, dict, list[Shard]]:
    """The kind, the stamp and the shards that the index lists."""
    path, kind, mend = folder / INDEX, kinds[0], f"run `aucue {MADE_BY[kinds[0]]}`"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["schema"] != SCHEMA or index["kind"] not in kinds:
            raise InputError(f"{path} is not an index of {kind} in schema {SCHEMA}: {mend} again")
        shards = [Shard(**shard) for shard in index["shards"]]
        stamp = dict(index["stamp"])
    except FileNotFoundError:
        raise InputError(f"{folder} is not a complete set of {kind} (it has no {INDEX}): {mend} first") from None
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}): {mend} again") from error
    for shard in shards:
        if not (isinstance(shard.file, str) and SHARD_NAME.fullmatch(shard.file)):
            raise InputError(f"{path} lists the shard {shard.file!r}, which is no NNNNN.h5 beside it: {mend} again")
        if not isinstance(shard.columns, dict):
            raise InputError(f"{path} lists no digests of {shard.file}'s columns: {mend} again")
        if type(shard.rows) is not int or shard.rows < 1:
            raise InputError(f"{path} gives {shard.file} {shard.rows!r} rows: {mend} again")
    if not shards:
        raise InputError(f"{path} lists no shards: {mend} again")
    return index["kind"], stamp, shards


def shard_of(path: Path, kind: str) -> Shard:
    """A shard as its own attributes list it. Raises InputError, as ``open_shard`` would."""
    mend = f"run `aucue {MADE_BY[kind]}` again"
    try:
        with h5py.File(path, "r") as file:
            columns, rows = json.loads(file.attrs["columns"]), int(file.attrs["rows"])
            if file.attrs["schema"] != SCHEMA or file.attrs["kind"] != kind:
                raise InputError(f"{path} is no shard of {kind} in schema {SCHEMA}: {mend}")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise error if isinstance(error, InputError) else InputError(f"{path} is no shard of ours: {mend}") from error
    return Shard(path.name, rows, columns)


def check(data: h5py.Dataset, name: str, pieces: Iterable[np.ndarray], shard: Shard, mend: str) -> None:
    """Raises InputError if a column, given in consecutive pieces, is not what ``shard`` lists."""
    if digest_of(data, pieces) != shard.columns.get(name):
        raise InputError(f"{data.file.filename} has another {name} than is listed (SHA-256 differs): {mend}")


def checked_column(file: h5py.File, name: str, shard: Shard, mend: str) -> np.ndarray:
    """The whole of a column, checked."""
    data = file[name]
    array = data[:]
    check(data, name, [array], shard, mend)
    return array


def open_shard(path: Path, kind: str, shard: Shard) -> h5py.File:
    """Open a shard and refuse anything but plain datasets of the expected kinds and shapes inside the file itself.

    External links, external storage and virtual datasets could read other files.
    """
    mend = f"run `aucue {MADE_BY[kind]}` again"
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be opened as HDF5: {mend}") from error
    try:
        _refuse_all_but_plain(file, path, kind, shard, mend)
    except BaseException:
        file.close()
        raise
    return file


def read_page(path: Path, kind: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Some columns of a shard that no index lists, checked by its own attributes. Raises InputError if it is damaged."""
    shard = shard_of(path, kind)
    with open_shard(path, kind, shard) as file:
        return {name: decoded(checked_column(file, name, shard, "it is made again")) for name in names}


class OpenShard:
    """A shard to read rows from. A plain column is one run of bytes in the file: rows are read without HDF5 in between,
    which takes ten times as long."""

    def __init__(self, path: Path, kind: str, shard: Shard) -> None:
        self.file = open_shard(path, kind, shard)
        self._stream = FileIO(path)
        self._columns: dict[str, tuple[int, np.dtype, tuple[int, ...]]] = {}

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Some rows of a column."""
        if name not in self._columns:
            data = self.file[name]
            self._columns[name] = data.id.get_offset() or 0, data.dtype, data.shape
        offset, dtype, (length, *trailing) = self._columns[name]
        if not 0 <= start <= stop <= length:
            raise IndexError(f"{self.file.filename} has no rows {start} to {stop} of {name}")
        rows = np.empty((stop - start, *trailing), dtype)
        if rows.size:
            self._stream.seek(offset + start * (rows.nbytes // len(rows)))
            if self._stream.readinto(rows.reshape(-1).view(np.uint8)) != rows.nbytes:
                raise InputError(f"{self.file.filename} ended while it was read: make it again")
        return rows

    def close(self) -> None:
        self.file.close()
        self._stream.close()


def _refuse_all_but_plain(file: h5py.File, path: Path, kind: str, shard: Shard, mend: str) -> None:
    size = path.stat().st_size
    for name, (letter, trailing) in COLUMNS[kind].items():
        if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
            raise InputError(f"{path} has no plain dataset {name}: {mend}")
        data = file[name]
        if data.is_virtual or data.external or data.chunks or data.nbytes > size:
            raise InputError(f"{path} keeps {name} outside the file, or declares more than it holds: {mend}")
        rows = {"crop_offsets": shard.rows + 1, "crop_bytes": None}.get(name, shard.rows)
        fits = data.ndim == 1 + len(trailing) and all(
            wanted in (None, length) for wanted, length in zip((rows, *trailing), data.shape, strict=True)
        )
        if data.dtype.kind != letter or not fits:
            raise InputError(f"{path} has {name} of type {data.dtype} and shape {data.shape}: {mend}")
    if kind == "faces":
        offsets = file["crop_offsets"][:]
        if offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != len(file["crop_bytes"]):
            raise InputError(f"{path} has crop_offsets that do not cut crop_bytes into rows: {mend}")


def fixed_length(strings: list[str]) -> np.ndarray:
    encoded = [string.encode() for string in strings]
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(1, *map(len, encoded))))


def decoded(array: np.ndarray) -> np.ndarray:
    """Strings as text; other columns as they are."""
    return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array


def digest_of(data: h5py.Dataset, pieces: Iterable[np.ndarray]) -> str:
    """SHA-256 of a column's type, shape and content."""
    digest = hashlib.sha256(f"{data.dtype.str}{data.shape}".encode())
    for piece in pieces:
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
