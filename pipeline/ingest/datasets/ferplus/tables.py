"""The tables of FER2013, as published and in copies.

``fer2013.csv``, which Kaggle calls ``icml_face_data.csv``, has the columns emotion, pixels and Usage. Kaggle's ``train.csv``
and ``test.csv`` hold the same rows without Usage, ``test.csv`` also without emotion.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.datasets.ferplus.columns import has_pixels, read_rows

ORIGINAL = dict(enumerate(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")))
WHOLE = ("fer2013.csv", "icml_face_data.csv")
PARTS = {  # table of a part -> its Usage; test.csv may hold two parts
    "train.csv": "Training",
    **dict.fromkeys(("val.csv", "valid.csv", "validation.csv"), "PublicTest"),
    "test.csv": None,
}


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
        return [whole]
    return [table for name in PARTS if (table := tree.file(folder, name)) and has_pixels(table)]


def faces_of(table: Path, names: ClassNames) -> list[Face]:
    """Read a table of pixels.

    Raises:
        InputError: If the table cannot be read or lacks a column.
    """
    usage = PARTS.get(table.name.casefold())
    likely_usage = "PrivateTest" if table.name.casefold() == "test.csv" else "Training"
    return [
        Face(row.where, row.pixels, usage if row.usage is None else row.usage, likely_usage, row.emotion)
        for row in read_rows(table, names)
    ]
