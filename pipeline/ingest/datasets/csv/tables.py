"""Find the tables that list the photos: ``labels.csv``, or the tables that other datasets have in its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.clutter import is_clutter
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError

NAME = "labels.csv"
LISTS = {".csv", ".tsv"}  # suffixes of tables that are read
TABLES = {*LISTS, ".txt", ".xls", ".xlsx", ".ods"}  # suffixes of files that a message names
MOST_TABLES = 5


@dataclass(frozen=True)
class Table:
    """A table that lists photos.

    Attributes:
        path: The file.
        split: The split of its photos, where its name or its folder's tells; else empty.
    """

    path: Path
    split: str = ""


def find_tables(source: DatasetSource) -> list[Table]:
    """Find the tables of a dataset, and note which they are if that may surprise.

    Raises:
        InputError: If there are none, or several may be meant.
    """
    root = source.root
    path = written_paths.find(root, NAME)
    tables = tables_below(root)
    if not tables:
        raise InputError(_describe_absence(path))
    if tables[0].path.name.casefold() != NAME:
        source.notes.append(f"there is no {NAME}: read is {_listed(root, [table.path for table in tables])}")
        unread = [table for table in _lists_in(root) if table not in {table.path for table in tables}]
        if unread:
            source.notes.append(f"not read: {_listed(root, unread)}")
    elif len(tables) > 1:
        source.notes.append(f"read is {_listed(root, [table.path for table in tables])}")
    elif tables[0].path.parent != root:
        source.notes.append(f"the table is {tables[0].path}, so its folder counts as the root")
    return tables


def tables_below(root: Path) -> list[Table]:
    """Return the tables in a folder, and in the folders there; none if there are none, or if it is not clear which count.

    They are ``labels.csv`` in the root, or in the only folder there that holds one; else the tables named after splits
    (``train.csv`` and ``test.csv``), or the only table in the root (``metadata.csv``); else those in folders named after
    splits (``train/metadata.csv``).
    """
    path = written_paths.find(root, NAME)
    if path.is_file():
        return [Table(path)]
    deeper = _deeper(root)
    if len(deeper) == 1:
        return [Table(deeper[0])]
    own = [] if deeper else _lists_in(root)
    tables = _of_splits(own, [table.stem for table in own])
    if not tables and len(own) == 1:
        tables = [Table(own[0])]
    return tables or _in_folders_of_splits(root)


def _deeper(root: Path) -> list[Path]:
    return [table for table in sorted(root.glob(f"*/{NAME}")) if not is_clutter(table.parent.name)]


def _lists_in(folder: Path) -> list[Path]:
    files = (file for file in sorted(folder.iterdir()) if file.suffix.lower() in LISTS and not is_clutter(file.name))
    return [file for file in files if file.is_file()]


def _of_splits(tables: list[Path], names: list[str]) -> list[Table]:
    """The tables whose names mean splits; none if several mean the same split."""
    splits = splits_of(names)
    found = [Table(table, splits[name]) for table, name in zip(tables, names, strict=True) if name in splits]
    return found if len({table.split for table in found}) == len(found) else []


def _in_folders_of_splits(root: Path) -> list[Table]:
    """The only table in each folder that is named after a split."""
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not is_clutter(folder.name)]
    inside = {folder: _lists_in(folder) for folder in folders}
    single = [(folder, tables[0]) for folder, tables in inside.items() if len(tables) == 1]
    return _of_splits([table for _, table in single], [folder.name for folder, _ in single])


def _describe_absence(path: Path) -> str:
    root = path.parent
    tables = sorted(file.name for file in root.iterdir() if file.suffix.lower() in TABLES and not is_clutter(file.name))
    others = [table.relative_to(root).as_posix() for table in _deeper(root)] + tables
    seen = f": {root} holds {', '.join(others[:MOST_TABLES])}" if others else ""
    problem = "is a folder and no table" if path.is_dir() else "does not exist"
    return f"{path} {problem}: check ingest.root and ingest.dataset{seen}"


def _listed(root: Path, tables: Iterable[Path]) -> str:
    return ", ".join(table.relative_to(root).as_posix() for table in tables)
