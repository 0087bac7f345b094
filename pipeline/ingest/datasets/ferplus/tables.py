"""The tables of FER2013, as published and in copies.

``fer2013.csv``, which Kaggle calls ``icml_face_data.csv``, has the columns emotion, pixels and Usage. Kaggle's ``train.csv``
and ``test.csv`` hold the same rows without Usage, ``test.csv`` also without emotion. Copies have ``fer2013_train.csv``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.datasets.ferplus.columns import has_images, has_pixels, read_rows
from pipeline.ingest.split_names import splits_of

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
    """Return the tables of pixels in a folder: one with all rows, or Kaggle's parts of it; none if it has none."""
    if whole := tree.file(folder, *WHOLE):
        return [] if has_images(whole) else [whole]
    parts = [name for name in tree.files(folder).all if name.casefold().endswith(".csv") and _split(name)]
    splits = splits_of(Path(name).stem for name in parts)
    tables = {splits[Path(name).stem]: folder / name for name in parts if Path(name).stem in splits}
    tables = {split: table for split, table in tables.items() if has_pixels(table)}
    return [tables[split] for split in USAGES if split in tables]


def faces_of(table: Path, names: ClassNames) -> list[Face]:
    """Read a table of pixels.

    Raises:
        InputError: If the table cannot be read or lacks a column.
    """
    split = _split(table.name)
    usage, likely_usage = USAGES.get(split), "PrivateTest" if split == "test" else "Training"
    return [
        Face(row.where, row.pixels, usage if row.usage is None else row.usage, likely_usage, row.emotion)
        for row in read_rows(table, names)
    ]


def _split(name: str) -> str:
    """The split that the name of a table means, such as ``fer2013_train.csv``; empty if it means none."""
    stem = Path(name).stem
    return splits_of([stem]).get(stem, "")
