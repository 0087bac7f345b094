"""Read shard files. A file may have been tampered with: every file is checked before its content is used."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path

import h5py
import numpy as np

from pipeline.shards.errors import ShardError
from pipeline.shards.index import SCHEMA, Shard, run_again

STRING_COLUMNS = ("id", "label", "split", "subject", "status", "reason", "aus")
# Kind of set -> name of a column -> kind of its dtype, and its shape after the rows; None stands for any length.
COLUMNS: dict[str, dict[str, tuple[str, tuple[int | None, ...]]]] = {
    "faces": {
        **dict.fromkeys(STRING_COLUMNS, ("S", ())),
        "key": ("u", (32,)),
        "landmarks": ("f", (68, 2)),
        "crop_offsets": ("i", ()),
        "crop_bytes": ("u", ()),
    },
    "heatmaps": {"maps": ("u", (None, None)), "has_map": ("b", ())},
    "class_heatmaps": {"maps": ("u", (None, None, None)), "has_map": ("b", (None,))},
}


def read_shard_attributes(path: Path, kind: str) -> Shard:
    """Describe a shard by the attributes of its own file, as an index would list it.

    Raises:
        ShardError: If the file is not a shard of this kind.
    """
    try:
        with h5py.File(path, "r") as file:
            columns, rows = json.loads(file.attrs["columns"]), int(file.attrs["rows"])
            is_ours = file.attrs["schema"] == SCHEMA and file.attrs["kind"] == kind
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ShardError(path, "is not a shard that aucue wrote", run_again(kind)) from error
    if not is_ours:
        raise ShardError(path, f"is not a shard of {kind} in schema {SCHEMA}", run_again(kind))
    return Shard(path.name, rows, columns)


def check_column(data: h5py.Dataset, name: str, pieces: Iterable[np.ndarray], shard: Shard, fix: str) -> None:
    """Compare a column with the digest that is listed for it.

    Args:
        data: The column.
        name: Its name.
        pieces: Its content in consecutive pieces along the rows.
        shard: The entry that lists the digest.
        fix: Instruction for the error message.

    Raises:
        ShardError: If the digests differ.
    """
    if column_digest(data, pieces) != shard.columns.get(name):
        raise ShardError(Path(data.file.filename), f"holds another {name} than is listed (SHA-256 differs)", fix)


def read_column(file: h5py.File, name: str, shard: Shard, fix: str) -> np.ndarray:
    """Read a whole column and check it as ``check_column`` does."""
    data = file[name]
    array = data[:]
    check_column(data, name, [array], shard, fix)
    return array


def open_shard(path: Path, kind: str, shard: Shard) -> h5py.File:
    """Open a shard, and refuse any dataset that is not plain, of the expected dtype and shape, and inside the file itself.

    External links, external storage and virtual datasets could read other files.

    Raises:
        ShardError: If the file cannot be opened, or holds such a dataset.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ShardError(path, "cannot be opened as HDF5", run_again(kind)) from error
    try:
        if problem := _problem_of(file, path.stat().st_size, kind, shard):
            raise ShardError(path, problem, run_again(kind))
    except BaseException:
        file.close()
        raise
    return file


def read_cached_shard(path: Path, kind: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read some columns of a shard that no index lists; its own attributes hold the digests.

    Raises:
        ShardError: If the file is damaged.
    """
    shard = read_shard_attributes(path, kind)
    with open_shard(path, kind, shard) as file:
        return {name: decode_strings(read_column(file, name, shard, run_again(kind))) for name in names}


class OpenShard:
    """An open shard whose rows are read one by one.

    A plain column is one run of bytes in the file. Rows are read from these bytes directly: a read through HDF5 takes ten
    times as long.
    """

    def __init__(self, path: Path, kind: str, shard: Shard) -> None:
        self.file = open_shard(path, kind, shard)
        self._fix = run_again(kind)
        self._stream = FileIO(path)
        self._columns: dict[str, tuple[int, np.dtype, tuple[int, ...]]] = {}

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read the rows from ``start`` to ``stop`` (exclusive) of a column.

        Raises:
            IndexError: If the column has no such rows.
            ShardError: If the file ends before them, since it was truncated after it was opened.
        """
        if name not in self._columns:
            data = self.file[name]
            self._columns[name] = data.id.get_offset() or 0, data.dtype, data.shape
        offset, dtype, (length, *trailing) = self._columns[name]
        if not 0 <= start <= stop <= length:
            raise IndexError(f"{self.file.filename} has no rows {start} to {stop} of {name}")
        rows = np.empty((stop - start, *trailing), dtype)
        if rows.size:
            self._stream.seek(offset + start * (rows.nbytes // len(rows)))
            if self._stream.readinto(rows.reshape(-1).view(np.uint8).data) != rows.nbytes:
                raise ShardError(Path(self.file.filename), "ended while it was read", self._fix)
        return rows

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        self._stream.close()


def _problem_of(file: h5py.File, size: int, kind: str, shard: Shard) -> str:
    """Describe the first dataset that is not as expected; empty text if all are. ``size`` is the file's, in bytes."""
    for name, (letter, trailing) in COLUMNS[kind].items():
        if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
            return f"has no plain dataset {name}"
        data = file[name]
        if data.is_virtual or data.external or data.chunks or data.nbytes > size:
            return f"keeps {name} outside the file, or declares more than it holds"
        rows = {"crop_offsets": shard.rows + 1, "crop_bytes": None}.get(name, shard.rows)
        if data.dtype.kind != letter or not _fits(data.shape or (), (rows, *trailing)):
            return f"has {name} of type {data.dtype} and shape {data.shape}"
    if kind == "faces":
        offsets = file["crop_offsets"][:]
        if offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != len(file["crop_bytes"]):
            return "has crop_offsets that do not cut crop_bytes into rows"
    return ""


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (None, length) for wanted, length in zip(expected, shape, strict=True)
    )


def encode_strings(strings: Iterable[str]) -> np.ndarray:
    """Encode texts as an array (n,) of fixed-length UTF-8."""
    encoded = [string.encode() for string in strings]
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(1, *map(len, encoded))))


def decode_strings(array: np.ndarray) -> np.ndarray:
    """Decode a column of fixed-length UTF-8 to text; return any other column as it is."""
    return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array


def column_digest(data: h5py.Dataset, pieces: Iterable[np.ndarray]) -> str:
    """Digest a column.

    Args:
        data: The column: its dtype and its shape count.
        pieces: Its content in consecutive pieces along the rows.

    Returns:
        SHA-256 of the dtype, the shape and the content, as hexadecimal text.
    """
    digest = hashlib.sha256(f"{data.dtype.str}{data.shape}".encode())
    for piece in pieces:
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
