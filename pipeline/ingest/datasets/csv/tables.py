"""Find the tables that list the photos: ``labels.csv``, or the tables that other datasets have in its place."""

from pathlib import Path

from pipeline.ingest.datasets import NothingFoundError
from pipeline.ingest.datasets.common.folders.tree import DEPTH, Tree
from pipeline.ingest.datasets.csv.absence import describe_absence
from pipeline.ingest.datasets.csv.folder_tables import (
    Table,
    Tables,
    listed_names,
    lists_of_splits,
    tables_of,
    unclear,
    without_labels,
)
from pipeline.ingest.datasets.csv.lists import NAME, TABLES
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError


def find_tables(tree: Tree) -> Tables:
    """Find the tables of a dataset, and note which they are if that may surprise.

    Raises:
        InputError: If there are none, or several may be meant.
    """
    tables = tables_below(tree) or _only_table(tree)
    if tables is None:
        raise NothingFoundError(describe_absence(tree))
    note_tables(tree, tables)
    return tables


def note_tables(tree: Tree, tables: Tables) -> None:
    """Note which tables are read, if that may surprise, and which are not."""
    paths = [table.path for table in tables.listed]
    listed = listed_names(tree.root, paths)
    if not any(path.name.casefold() == NAME for path in paths):
        tree.notes.append(f"there is no {NAME}: read is {listed}")
    elif len(paths) > 1:
        tree.notes.append(f"read is {listed}")
    elif paths[0].parent != tree.root:
        tree.notes.append(f"the table is {paths[0]}, so its folder counts as the root")
    if tables.unread:
        tree.notes.append(f"not read: {listed_names(tree.root, tables.unread)}")


def tables_below(tree: Tree) -> Tables | None:
    """Return the tables that list photos with labels; None if there are none.

    From the root down they are ``labels.csv``, or the tables that are named after splits (``train.csv`` and ``test.csv``),
    or the only table (``metadata.csv``), or the tables in folders that are named after splits (``train/metadata.csv``).

    Raises:
        InputError: If several tables may be meant.
    """
    return _search(tree, tree.root, DEPTH)


def _search(tree: Tree, folder: Path, depth: int) -> Tables | None:
    own = tables_of(tree, folder)
    deeper = [inner / table for inner in tree.inner(folder) if (table := tree.files(inner).find(NAME))]
    if own is not None:
        is_sure = own.listed[0].split or own.listed[0].path.name.casefold() == NAME
        if not is_sure and deeper:
            raise unclear(tree.root, [own.listed[0].path, *deeper])
        own.unread.extend(deeper)
        if not own.listed[0].split and not own.of_splits:
            own.of_splits.extend(lists_of_splits(tree, folder))
        return own
    if parts := _tables_in_splits(tree, folder, depth):
        used = {table.path for table in parts}
        return Tables(folder, parts, unread=[table for table in deeper if table not in used])
    return _search_below(tree, folder, depth - 1) if depth else None


def _search_below(tree: Tree, folder: Path, depth: int) -> Tables | None:
    """The tables in the only inner folder that has any, or else in the only one with ``labels.csv``."""
    found: list[Tables] = []
    errors = []
    for inner in tree.inner(folder):
        try:
            found += filter(None, [_search(tree, inner, depth)])
        except InputError as error:
            errors.append(error)
    named = [tables for tables in found if tables.listed[0].path.name.casefold() == NAME]
    if len(named) != 1 and errors:
        raise errors[0]
    best = named if len(named) == 1 else found
    if len(best) > 1:
        raise unclear(tree.root, [table.path for tables in best for table in tables.listed])
    for tables in best:
        tables.unread.extend(table.path for other in found if other is not tables for table in other.listed)
    return best[0] if best else None


def _tables_in_splits(tree: Tree, folder: Path, depth: int) -> list[Table]:
    """The tables in the folders that are named after splits; none if none has labels."""
    inner = tree.inner(folder)
    named = splits_of(path.name for path in inner)
    parts = []
    for path in (path for path in inner if path.name in named):
        found = _search(tree, path, depth - 1) if depth else None
        tables = found.listed if found else without_labels(tree, path)
        parts += [Table(table.path, table.split or named[path.name], table.has_labels) for table in tables]
    return parts if any(table.has_labels for table in parts) else []


def _only_table(tree: Tree) -> Tables | None:
    """``labels.csv``, or the only table in the root, if no table can be read: the error names its columns."""
    found = [tree.root / name for name in tree.files(tree.root).all if name.casefold().endswith(TABLES)]
    named = [table for table in found if table.name.casefold() == NAME] or found
    return Tables(tree.root, [Table(named[0])]) if len(named) == 1 else None
