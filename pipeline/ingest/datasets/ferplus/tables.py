"""The tables of FER2013, as published and in copies.

``fer2013.csv``, which Kaggle calls ``icml_face_data.csv``, has the columns emotion, pixels and Usage. Kaggle's ``train.csv``
and ``test.csv`` hold the same rows without Usage, ``test.csv`` also without emotion. Copies have ``fer2013_train.csv``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.faces.manifest import SPLITS
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.csv_table.parts import parts_of
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.ferplus.columns import has_images, has_pixels, read_rows
from pipeline.ingest.split_names import split_among_words, split_named

ORIGINAL = dict(enumerate(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")))
WHOLE = ("fer2013.csv", "icml_face_data.csv")
USAGES: Mapping[str, str | None] = {
    "train": "Training",
    "validation": "PublicTest",
    "test": None,
}  # of the table of a part; test.csv may hold two


@dataclass(frozen=True)
class Face:
    """A row of a table of pixels."""

    where: str  # file and line
    pixels: str
    usage: str | None  # None if the table does not say
    likely_usage: str  # of a table that does not say
    emotion: str | None  # None if the table has no labels


def tables_in(tree: Tree, folder: Path) -> list[Path]:
    """Return the tables of pixels in a folder: one with all rows, or Kaggle's parts of it; none if it has none.

    Raises:
        InputError: If several tables may be that of a part.
    """
    if whole := tree.file(folder, *WHOLE):
        return [] if has_images(whole) else [whole]
    tables = [table for table in _tables(tree, folder) if split_of_table(table) and has_pixels(table)]
    parts = parts_of(tables)
    return sorted(parts, key=lambda table: SPLITS.index(parts[table]))


def unread_beside(tree: Tree, tables: Sequence[Path]) -> list[str]:
    """Return the names of the tables of pixels beside those that are read."""
    others = [table for table in _tables(tree, tables[0].parent) if table not in tables]
    return [table.name for table in others if has_pixels(table)]


def _tables(tree: Tree, folder: Path) -> list[Path]:
    return [folder / name for name in tree.files(folder).all if name.casefold().endswith(".csv")]


def faces_of(table: Path, names: ClassNames) -> list[Face]:
    """Read a table of pixels.

    Raises:
        InputError: If the table cannot be read or lacks a column.
    """
    split = split_of_table(table)
    usage, likely_usage = USAGES.get(split), "PrivateTest" if split == "test" else "Training"
    return [
        Face(row.where, row.pixels, usage if row.usage is None else row.usage, likely_usage, row.emotion)
        for row in read_rows(table, names)
    ]


def split_of_table(table: Path) -> str:
    """Return the split that the name of a table means, such as ``fer2013_train.csv``; empty if it means none."""
    return split_named(table.stem) or split_among_words(table.stem)
