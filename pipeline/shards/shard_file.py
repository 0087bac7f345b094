"""One shard whose form is checked: its rows are bytes at known places, which are read without HDF5."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from pipeline.shards.access import Identity, open_file, read_bytes
from pipeline.shards.errors import ShardAccessError, ShardError, run_again
from pipeline.shards.files import Column, Layout, column_digest, decode_strings, read_layout, read_shard_attributes
from pipeline.shards.index import Shard

PIECE = 2**20  # bytes read at a time to check a column


@dataclass(frozen=True)
class ShardFile:
    """A shard that can be opened and read, in this process or in another.

    It is plain data: a pickle carries it, and it takes a few kilobytes whatever the size of the shard.
    """

    path: Path
    kind: str
    shard: Shard  # the entry that lists the digests of the columns
    layout: Layout

    @classmethod
    def find(cls, path: Path, kind: str, shard: Shard) -> "ShardFile":
        """Check the form of a shard (see ``read_layout``)."""
        return cls(path, kind, shard, read_layout(path, kind, shard))

    def open(self) -> FileIO:
        """Open the file whose form was checked.

        Another file in its place is as good if it has the same bytes: DVC and programs that synchronise folders copy files.

        Raises:
            ShardError: If a file with other content is in its place now.
            ShardAccessError: If the file cannot be opened.
        """
        stream, identity = open_file(self.path, self.kind)
        if identity != self.layout.identity:
            try:
                self._compare_copy(stream, identity)
            except BaseException:
                stream.close()
                raise
        return stream

    def _compare_copy(self, stream: FileIO, identity: Identity) -> None:
        """Raise ShardError unless a file has the size and the columns of the file whose form was checked."""
        replaced = ShardError(self.path, "was replaced while it was used", "run the same command again")
        if identity.size != self.layout.identity.size:
            raise replaced
        for name in self.layout.columns:
            try:
                self.check(stream, name)
            except ShardAccessError:
                raise
            except ShardError:
                raise replaced from None

    def column(self, stream: FileIO, name: str) -> np.ndarray:
        """Read a whole column and compare it with its digest. Strings are decoded.

        Raises:
            ShardError: If the digests differ, or the offsets of the crops are no offsets.
        """
        column = self.layout.columns[name]
        array = column.as_rows(read_bytes(stream, self.kind, column.start, column.shape[0] * column.row_bytes))
        self._compare(name, column_digest(column.dtype, column.shape, [array]))
        if name == "crop_offsets":
            self._check_offsets(array)
        return decode_strings(array)

    def check(self, stream: FileIO, name: str) -> None:
        """Compare a column with its digest, without keeping it in memory (see ``column``)."""
        column = self.layout.columns[name]
        self._compare(name, column_digest(column.dtype, column.shape, self._pieces(stream, column)))

    def _pieces(self, stream: FileIO, column: Column) -> Iterator[np.ndarray]:
        end = column.start + column.shape[0] * column.row_bytes
        for start in range(column.start, end, PIECE):
            yield read_bytes(stream, self.kind, start, min(PIECE, end - start))

    def _compare(self, name: str, digest: str) -> None:
        if digest != self.shard.columns.get(name):
            problem = f"holds another {name} than is listed (SHA-256 differs)"
            raise ShardError(self.path, problem, run_again(self.kind))

    def _check_offsets(self, offsets: np.ndarray) -> None:
        end = self.layout.columns["crop_bytes"].shape[0]
        if offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != end:
            problem = "has crop_offsets that do not cut crop_bytes into rows"
            raise ShardError(self.path, problem, run_again(self.kind))


def read_cached_shard(path: Path, kind: str, names: Sequence[str]) -> tuple[Shard, dict[str, np.ndarray]]:
    """Read some columns of a shard that no index lists.

    Returns:
        The entry for an index, which the attributes of the file hold, and the columns.

    Raises:
        ShardError: If the file is damaged.
        ShardAccessError: If the file cannot be read, and so nothing is known of its content.
    """
    file = ShardFile.find(path, kind, read_shard_attributes(path, kind))
    with file.open() as stream:
        return file.shard, {name: file.column(stream, name) for name in names}
