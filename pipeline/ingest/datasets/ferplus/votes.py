"""The votes of FERPlus on the photos of FER2013.

``fer2013new.csv`` has a row for each row of ``fer2013.csv``. FERPlus also publishes ``FER2013Train/label.csv``, and such a
file for the other parts: without a header, each row with the name of an image file, a box and the votes.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.folders.tree import Tree

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
NEW = "fer2013new.csv"
USAGE, IMAGE = "Usage", "Image name"
PARTS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
PART = "label.csv"
COLUMNS_OF_PART = (IMAGE, "box", *VOTES)

Vote = tuple[str, dict[str, str]]  # file and line, and the row


def find(tree: Tree, folder: Path) -> list[Path]:
    """Return the tables of votes in a folder: that of all votes, or else those of the parts. There may be none."""
    if new := tree.file(folder, NEW):
        return [new]
    parts = [tree.folder(folder, name) for name in PARTS.values()]
    return [table for part in parts if part and (table := tree.file(part, PART))]


def votes_in(tables: list[Path]) -> list[Vote]:
    """Read tables of votes. Each row has the columns Usage, Image name and those of the votes.

    Raises:
        InputError: If a table cannot be read or lacks a column.
    """
    if is_whole(tables):
        return rows(tables[0], filled=(), present=(USAGE, *VOTES), optional=(IMAGE,))
    return [
        (where, row | {USAGE: _usage(table)})
        for table in tables
        for where, row in rows(table, filled=(), present=(IMAGE, *VOTES), published=COLUMNS_OF_PART)
    ]


def is_whole(tables: list[Path]) -> bool:
    """Return whether the tables are the one with a row for each row of ``fer2013.csv``."""
    return len(tables) == 1 and tables[0].name.casefold() == NEW


def stem_of(vote: Vote) -> str:
    """Return the name of the image, such as ``fer0000000``; empty if there is none."""
    return Path(vote[1].get(IMAGE, "")).stem


def majority(votes: Mapping[str, str]) -> tuple[str, bool]:
    """Return the class with most votes, and whether another class has as many.

    Raises:
        ValueError: If a vote is not a number. The message is a reason.
    """
    try:
        counts = [int(float(votes[name])) for name in VOTES]
    except (ValueError, OverflowError):
        raise ValueError(f"expected a number of votes for each of {', '.join(VOTES)}") from None
    return VOTES[int(np.argmax(counts))], counts.count(max(counts)) > 1


def _usage(part: Path) -> str:
    return next(usage for usage, name in PARTS.items() if name.casefold() == part.parent.name.casefold())
