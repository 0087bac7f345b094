"""Refuse to write a set into a folder that holds other files: a mistake in a path must not delete somebody's data."""

import json
from contextlib import suppress
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.shards.errors import MADE_BY, ShardError
from pipeline.shards.files import read_shard_attributes
from pipeline.shards.index import INDEX, SHARD_NAME


def refuse_foreign_content(folder: Path, kind: str) -> None:
    """Check that a folder holds no set of another stage and no file that a set would replace.

    Args:
        folder: Folder of the set that is to be written; it need not exist.
        kind: Kind of that set.

    Raises:
        InputError: If the folder is a file or holds such files.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder to write to")
    files = [path for path in folder.glob("[!.]*") if path.name != INDEX]
    foreign = [path for path in files if not SHARD_NAME.fullmatch(path.name)]
    found = _listed_kind(folder / INDEX)
    if not found:  # no index, or a damaged index among aucue's shards
        found = "other files" if foreign else kind
        foreign = [path for path in files if not _is_shard(path, MADE_BY[kind])]
    for path in foreign:
        if path.suffix == ".h5":
            raise InputError(f"{path} is not a shard of aucue and would be lost: give another folder to write to")
    if MADE_BY.get(found) != MADE_BY[kind]:
        raise InputError(f"{folder} holds {found}, not {kind}: give another folder to write to")


def _listed_kind(index: Path) -> str:
    """The kind of set that an index lists; "other files" if it is not aucue's; empty without an index, or a damaged one."""
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return str(content.get("kind", "other files")) if isinstance(content, dict) else "other files"


def _is_shard(path: Path, stage: str) -> bool:
    """Tell whether a file is a shard that a stage wrote."""
    for kind in (kind for kind, made_by in MADE_BY.items() if made_by == stage):
        with suppress(ShardError):
            return bool(read_shard_attributes(path, kind))
    return False
