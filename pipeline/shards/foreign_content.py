"""Refuse to write a set into a folder that holds other files: a mistake in a path must not delete somebody's data."""

import json
from contextlib import suppress
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.shards.errors import MADE_BY, ShardError
from pipeline.shards.files import read_shard_attributes
from pipeline.shards.index import INDEX, SHARD_NAME


def refuse_foreign_content(folder: Path, kind: str) -> list[str]:
    """Check that a folder holds no set of another stage and no file that a set would replace.

    Args:
        folder: Folder of the set that is to be written; it need not exist.
        kind: Kind of that set.

    Returns:
        The names of the shards there, which the set replaces. Other files stay.

    Raises:
        InputError: If the folder is a file or holds such files.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder to write to")
    listed, shards = _listed(folder / INDEX)
    files = [path for path in folder.glob("[!.]*") if path.name != INDEX]
    foreign = [path for path in files if path.name not in shards and not _is_shard(path, MADE_BY[kind])]
    for path in foreign:
        if path.suffix == ".h5":
            raise InputError(f"{path} is not a shard of aucue and would be lost: give another folder to write to")
    found = listed or ("other files" if foreign else kind)  # no index, or a damaged index among aucue's shards
    if MADE_BY.get(found) != MADE_BY[kind]:
        raise InputError(f"{folder} holds {found}, not {kind}: give another folder to write to")
    return [path.name for path in files if path not in foreign]


def _listed(index: Path) -> tuple[str, set[str]]:
    """The kind of set that an index lists, and the names of its shards.

    The kind is "other files" if the index is not aucue's, and empty without an index, or with a damaged one.
    """
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return "", set()
    if not isinstance(content, dict):
        return "other files", set()
    shards = content.get("shards")
    names = {str(shard.get("file")) for shard in shards if isinstance(shard, dict)} if isinstance(shards, list) else set()
    return str(content.get("kind", "other files")), {name for name in names if SHARD_NAME.fullmatch(name)}


def _is_shard(path: Path, stage: str) -> bool:
    """Tell whether a file is a shard that a stage wrote."""
    if not SHARD_NAME.fullmatch(path.name):
        return False
    for kind in (kind for kind, made_by in MADE_BY.items() if made_by == stage):
        with suppress(ShardError):
            return bool(read_shard_attributes(path, kind))
    return False
