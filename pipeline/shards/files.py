"""The form of shard files. A file may have been tampered with: its form is checked before its content is used."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from pipeline.shards.access import Identity, open_file, truthful_errors
from pipeline.shards.errors import ShardError, run_again
from pipeline.shards.index import SCHEMA, Shard

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


class Column(NamedTuple):
    """Where a column lies in its file. A plain column is one run of bytes."""

    start: int  # place of its first byte
    dtype: np.dtype
    shape: tuple[int, ...]  # the rows come first

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def as_rows(self, found: np.ndarray) -> np.ndarray:
        """View the bytes (n,) of some rows as these rows. A byte of a forged truth value may be neither 0 nor 1."""
        array = found != 0 if self.dtype.kind == "b" else found.view(self.dtype)
        return array.reshape(-1 if self.row_bytes else self.shape[0], *self.shape[1:])


class Layout(NamedTuple):
    """Where the columns of a shard lie, and the file that this was found in."""

    identity: Identity
    columns: dict[str, Column]


def read_layout(path: Path, kind: str, shard: Shard) -> Layout:
    """Find the columns of a shard, and refuse any that is not plain, of the expected dtype and shape, and inside the file.

    External links, external storage and virtual datasets could read other files.

    Raises:
        ShardError: If the file is not HDF5, or holds such a dataset.
        ShardAccessError: If the file cannot be read.
    """
    columns = {}
    with _open_hdf5(path, kind) as (file, identity):
        for name, (letter, trailing) in COLUMNS[kind].items():
            rows = {"crop_offsets": shard.rows + 1, "crop_bytes": None}.get(name, shard.rows)
            found = _find_column(file, name, identity.size)
            if isinstance(found, Column) and not (found.dtype.kind == letter and _fits(found.shape, (rows, *trailing))):
                found = f"has {name} of type {found.dtype} and shape {found.shape}"
            if isinstance(found, str):
                raise ShardError(path, found, run_again(kind))
            columns[name] = found
    return Layout(identity, columns)


def read_shard_attributes(path: Path, kind: str) -> Shard:
    """Describe a shard by the attributes of its own file, as an index would list it.

    Raises:
        ShardError: If the file is not a shard of this kind.
        ShardAccessError: If the file cannot be read.
    """
    with _open_hdf5(path, kind) as (file, _):
        try:
            columns, rows = json.loads(file.attrs["columns"]), int(file.attrs["rows"])
            is_ours = file.attrs["schema"] == SCHEMA and file.attrs["kind"] == kind
        except (KeyError, TypeError, ValueError) as error:
            raise ShardError(path, "is not a shard that aucue wrote", run_again(kind)) from error
    if not is_ours:
        raise ShardError(path, f"is not a shard of {kind} in schema {SCHEMA}", run_again(kind))
    return Shard(path.name, rows, columns)


@contextmanager
def _open_hdf5(path: Path, kind: str) -> Iterator[tuple[h5py.File, Identity]]:
    """Open a file with h5py. Readers need no lock, which some file systems do not have."""
    stream, identity = open_file(path, kind)
    with stream:
        try:
            with h5py.File(path, "r", locking=False) as file:
                yield file, identity
        except ShardError:
            raise
        except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, OSError) and error.errno:  # an error of the system; HDF5's own have no number
                with truthful_errors(path, kind):
                    raise
            raise ShardError(path, "cannot be opened as HDF5", run_again(kind)) from error


def _find_column(file: h5py.File, name: str, size: int) -> Column | str:
    """Find a column in a file of ``size`` bytes, or describe why it is not plain."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(data := file[name], h5py.Dataset):
        return f"has no plain dataset {name}"
    outside = f"keeps {name} outside the file, or declares more than it holds"
    if data.is_virtual or data.external or data.chunks:
        return outside
    start = data.id.get_offset()  # None for a dataset without bytes of its own
    if (start is None and data.nbytes) or (start or 0) + data.nbytes > size:
        return outside
    return Column(start or 0, np.dtype(data.dtype.str), data.shape or ())


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
    if array.dtype.kind != "S":
        return array
    try:
        return array.astype(str)  # ASCII alone: forty times as fast
    except UnicodeDecodeError:
        return np.char.decode(array, "utf-8")


def column_digest(dtype: np.dtype, shape: tuple[int, ...], pieces: Iterable[np.ndarray]) -> str:
    """Digest a column.

    Args:
        dtype: Its dtype.
        shape: Its shape.
        pieces: Its content in consecutive pieces.

    Returns:
        SHA-256 of the dtype, the shape and the content, as hexadecimal text.
    """
    digest = hashlib.sha256(f"{dtype.str}{shape}".encode())
    for piece in pieces:
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
