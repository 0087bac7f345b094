"""The index of a shard set: ``index.json`` lists the shards, their numbers of rows and the digests of their columns."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.shards.access import open_file, read_bytes
from pipeline.shards.errors import MADE_BY, ShardAccessError, ShardError, run_again

SCHEMA = 3
INDEX = "index.json"
SHARD_NAME = re.compile(r"\d{5,}\.h5")
MOST_ROWS = 2**40  # of a shard; a forged index may declare any number


@dataclass(frozen=True)
class Shard:
    """One file of a set, as the index lists it."""

    file: str  # name of the file
    rows: int
    columns: dict[str, str]  # name of a column -> SHA-256 of its type, shape and content


class Index(NamedTuple):
    """The content of an index."""

    kind: str  # one of MADE_BY
    provenance: dict  # everything that decides the content of the set
    shards: list[Shard]  # in the order of their rows; never empty


def read_index(folder: Path, kinds: tuple[str, ...]) -> Index:
    """Read and check the index of the set in ``folder``.

    Args:
        folder: Folder of the set.
        kinds: Accepted kinds of sets; error messages name the first.

    Raises:
        ShardError: If there is no index, or the index is damaged, of another kind or schema, or lists no shards.
        ShardAccessError: If the index cannot be read.
    """
    path, kind, fix = folder / INDEX, kinds[0], run_again(kinds[0])
    try:
        index = json.loads(_read(path, kind))
        if index["schema"] != SCHEMA or index["kind"] not in kinds:
            raise ShardError(path, f"is not an index of {kind} in schema {SCHEMA}", fix)
        shards = [Shard(**shard) for shard in index["shards"]]
        provenance = dict(index["stamp"])
    except ShardError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise ShardError(path, f"cannot be read ({error})", fix) from error
    for shard in shards:
        if problem := _problem_of(shard):
            raise ShardError(path, problem, fix)
    if not shards:
        raise ShardError(path, "lists no shards", fix)
    return Index(index["kind"], provenance, shards)


def _read(path: Path, kind: str) -> bytes:
    """Read the file of an index."""
    try:
        stream, identity = open_file(path, kind)
    except ShardAccessError as error:
        if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise
        first = f"run `aucue {MADE_BY[kind]}` first"
        reason, first = (
            (f"has no {INDEX}", first) if path.parent.exists() else ("does not exist", f"{first}, or give its path")
        )
        raise ShardError(path.parent, f"is not a complete set of {kind} (it {reason})", first) from None
    with stream:
        return read_bytes(stream, kind, 0, identity.size).tobytes()


def _problem_of(shard: Shard) -> str:
    """Describe a wrong value in an entry of the index; empty text if the entry is sound."""
    if not (isinstance(shard.file, str) and SHARD_NAME.fullmatch(shard.file)):
        return f"lists the shard {shard.file!r}, which is not the name of a NNNNN.h5 file in its folder"
    if not isinstance(shard.columns, dict):
        return f"lists no digests of the columns of {shard.file}"
    if type(shard.rows) is not int or not 1 <= shard.rows <= MOST_ROWS:
        return f"gives {shard.file} {shard.rows!r} rows"
    return ""
