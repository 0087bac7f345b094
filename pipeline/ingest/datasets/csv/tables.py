"""Find the tables that list the photos: ``labels.csv``, or the tables that other datasets have in its place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.ingest.datasets import NothingFoundError
from pipeline.ingest.datasets.common.parts import parts_of
from pipeline.ingest.datasets.common.tree import DEPTH, Tree
from pipeline.ingest.datasets.csv.absence import describe_absence
from pipeline.ingest.datasets.csv.lists import NAME, TABLES, Content, tables_in
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError

MOST_TABLES = 5  # in a message


@dataclass(frozen=True)
class Table:
    """A table that lists photos.

    Attributes:
        path: The file.
        split: The split of its photos, where its name or its folder's tells; else empty.
        has_labels: Whether it has a column of labels.
    """

    path: Path
    split: str = ""
    has_labels: bool = True


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset.

    Attributes:
        folder: The folder in which they were found.
        listed: The tables that list the photos with their labels, and the tables of other splits without labels.
        of_splits: Tables beside the only one in ``listed`` that are named after splits and list photos.
        unread: The other tables.
    """

    folder: Path
    listed: list[Table]
    of_splits: list[Table] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


def find_tables(tree: Tree) -> Tables:
    """Find the tables of a dataset, and note which they are if that may surprise.

    Raises:
        InputError: If there are none, or several may be meant.
    """
    tables = tables_below(tree) or _only_table(tree)
    if tables is None:
        raise NothingFoundError(describe_absence(tree))
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
    return tables


def tables_below(tree: Tree) -> Tables | None:
    """Return the tables that list photos with labels; None if there are none.

    From the root down they are ``labels.csv``, or the tables that are named after splits (``train.csv`` and ``test.csv``),
    or the only table (``metadata.csv``), or the tables in folders that are named after splits (``train/metadata.csv``).

    Raises:
        InputError: If several tables may be meant.
    """
    return _search(tree, tree.root, DEPTH)


def listed_names(root: Path, tables: Iterable[Path]) -> str:
    """Return the paths of tables relative to the root, for a message."""
    names = [table.relative_to(root).as_posix() for table in tables]
    return ", ".join(names[:MOST_TABLES] + [f"{len(names) - MOST_TABLES:,} more"] * (len(names) > MOST_TABLES))


def _search(tree: Tree, folder: Path, depth: int) -> Tables | None:
    own = _tables_of(tree, folder)
    deeper = [inner / table for inner in tree.inner(folder) if (table := tree.files(inner).find(NAME))]
    if own is not None:
        is_sure = own.listed[0].split or own.listed[0].path.name.casefold() == NAME
        if not is_sure and deeper:
            raise _unclear(tree.root, [own.listed[0].path, *deeper])
        own.unread.extend(deeper)
        return own
    if parts := _tables_in_splits(tree, folder, depth):
        used = {table.path for table in parts}
        return Tables(folder, parts, unread=[table for table in deeper if table not in used])
    found = [tables for inner in tree.inner(folder) if depth and (tables := _search(tree, inner, depth - 1))]
    if len(found) > 1:
        raise _unclear(tree.root, [table.path for tables in found for table in tables.listed])
    return found[0] if found else None


def _tables_in_splits(tree: Tree, folder: Path, depth: int) -> list[Table]:
    """The tables in the folders that are named after splits; none if none has labels."""
    inner = tree.inner(folder)
    named = splits_of(path.name for path in inner)
    parts = []
    for path in (path for path in inner if path.name in named):
        found = _search(tree, path, depth - 1) if depth else None
        tables = found.listed if found else _without_labels(tree, path)
        parts += [Table(table.path, table.split or named[path.name], table.has_labels) for table in tables]
    return parts if any(table.has_labels for table in parts) else []


def _tables_of(tree: Tree, folder: Path) -> Tables | None:
    """The tables of photos in a folder."""
    contents = tables_in(tree, folder)
    labelled = [table for table, content in contents.items() if content is Content.LABELS]
    if not labelled:
        return None
    whole = [table for table in labelled if table.name.casefold() == NAME]
    whole = [table for table in whole if table.name == NAME] or whole
    others = {table: content for table, content in contents.items() if content and table not in whole}
    try:
        parts = [Table(table, split, others[table] is Content.LABELS) for table, split in parts_of(list(others)).items()]
    except InputError:
        if not whole:
            raise
        parts = []
    if not whole and not any(table.has_labels for table in parts):
        whole = labelled
    if len(whole) > 1 or (not whole and len({table.split for table in parts}) == 1 and len(labelled) > 1):
        raise _unclear(tree.root, labelled)
    read = [Table(table) for table in whole] or parts
    of_splits = parts if whole else []
    used = {table.path for table in (*read, *of_splits)}
    return Tables(folder, read, of_splits, [table for table in contents if table not in used])


def _without_labels(tree: Tree, folder: Path) -> list[Table]:
    """The table in the folder of a split that lists photos without labels, such as those of a contest's test set."""
    listed = [table for table, content in tables_in(tree, folder).items() if content]
    return [Table(listed[0], has_labels=False)] if len(listed) == 1 else []


def _only_table(tree: Tree) -> Tables | None:
    """``labels.csv``, or the only table in the root, if no table can be read: the error names its columns."""
    found = [tree.root / name for name in tree.files(tree.root).all if name.casefold().endswith(TABLES)]
    named = [table for table in found if table.name.casefold() == NAME] or found
    return Tables(tree.root, [Table(named[0])]) if len(named) == 1 else None


def _unclear(root: Path, tables: list[Path]) -> InputError:
    fix = "keep one of them, or name them train.csv and test.csv, or name in ingest.root the folder of one"
    return InputError(f"{root} holds several tables that list photos, {listed_names(root, tables)}: {fix}")
