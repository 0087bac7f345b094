"""The tables in one folder that list the photos of a dataset."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.ingest.datasets.common.csv_table.parts import parts_of
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.csv.lists import NAME, Content, tables_in
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


def tables_of(tree: Tree, folder: Path) -> Tables | None:
    """Return the tables of photos with labels in a folder; None if there are none.

    Raises:
        InputError: If several may be meant.
    """
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
        raise unclear(tree.root, labelled)
    read = [Table(table) for table in whole] or parts
    of_splits = parts if whole else []
    used = {table.path for table in (*read, *of_splits)}
    return Tables(folder, read, of_splits, [table for table in contents if table not in used])


def lists_of_splits(tree: Tree, folder: Path) -> list[Table]:
    """Return the tables that are named after several splits in the only inner folder that has any (``splits/train.csv``)."""
    found = []
    for inner in tree.inner(folder):
        lists = [table for table, content in tables_in(tree, inner).items() if content]
        splits = splits_of(table.stem for table in lists)
        if len(set(splits.values())) == len(splits) > 1:
            found.append([Table(table, splits[table.stem]) for table in lists if table.stem in splits])
    return found[0] if len(found) == 1 else []


def without_labels(tree: Tree, folder: Path) -> list[Table]:
    """Return the table in the folder of a split that lists photos without labels, such as those of a contest's test set."""
    listed = [table for table, content in tables_in(tree, folder).items() if content]
    return [Table(listed[0], has_labels=False)] if len(listed) == 1 else []


def listed_names(root: Path, tables: Iterable[Path]) -> str:
    """Return the paths of tables relative to the root, for a message."""
    names = [table.relative_to(root).as_posix() for table in tables]
    return ", ".join(names[:MOST_TABLES] + [f"{len(names) - MOST_TABLES:,} more"] * (len(names) > MOST_TABLES))


def unclear(root: Path, tables: list[Path]) -> InputError:
    """Return the error for tables of which it is not clear which are meant."""
    fix = "keep one of them, or name them train.csv and test.csv, or name in ingest.root the folder of one"
    return InputError(f"{root} holds several tables that list photos, {listed_names(root, tables)}: {fix}")
