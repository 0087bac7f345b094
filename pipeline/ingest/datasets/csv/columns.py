"""Know the columns of a user's table under other names, and without a header."""

import os
from pathlib import Path

import click

from pipeline.ingest.datasets.common.csv_table.column_names import NAMES, folded, meaning
from pipeline.ingest.datasets.common.csv_table.header import Header
from pipeline.ingest.datasets.common.csv_table.lines import samples
from pipeline.ingest.datasets.common.csv_table.rows import given
from pipeline.ingest.datasets.common.folders.folder_tree import is_image
from pipeline.ingest.datasets.csv.split_columns import column_of_splits, take_flags
from pipeline.ingest.split_names import split_named

MAY_BE_IMAGES = {"name", "id"}  # columns that may be about persons or classes, too
FIRST_LINES = 3  # among which are the header and a row; the first may name the separator


def guess_header(root: Path, first: list[str], images: str = "") -> Header | None:
    """Find the columns image and label in a first line that does not name them.

    Args:
        root: Folder that the photos' paths are relative to.
        first: The values of the line.
        images: The column of the images, if it is known (see ``column_of_images``).

    Returns:
        The columns, if the line has synonyms of the missing names, or is a row that names a photo, its label and perhaps
        its split. Otherwise None, also if several columns could be meant.
    """
    names = ["image" if name == images else name.casefold() if name.casefold() in NAMES else name for name in first]
    for column in ("image", "label"):
        if column not in names:
            meant = _synonym(column, names)
            if meant is None:
                return _columns_of_row(root, first)
            names[names.index(meant)] = column
    return Header(names)


def column_of_images(table: Path) -> str:
    """Return the column ``name`` or ``id`` of a table of labels, if it has the names of image files; empty if it has not."""
    for first, *others in filter(None, samples(table, FIRST_LINES)):
        if others and not meaning("image", first) and meaning("label", first):
            pairs = [(name, {line[place] for line in others if len(line) > place}) for place, name in enumerate(first)]
            found = [
                name for name, values in pairs if folded(name) in MAY_BE_IMAGES and values and all(map(is_image, values))
            ]
            if len(found) == 1:
                return found[0]
    return ""


def guess_image(first: list[str]) -> Header | None:
    """Find the column image in a first line of a table that need not have labels.

    Args:
        first: The values of the line.

    Returns:
        The columns, if one has a synonym of the name, or if one value alone is the name of an image. Otherwise None.
    """
    meant = _synonym("image", first)
    if meant is not None:
        return Header(["image" if name == meant else name for name in first])
    names = ["image" if is_image(value) else "" for value in first]
    return Header(names, is_row=True) if names.count("image") == 1 else None


def take_synonyms(path: Path, table: list[tuple[str, dict[str, str]]]) -> str:
    """Rename the columns that mean split and subject, if those are absent, and say so (see ``split_columns``).

    Returns:
        The name that the column of the splits has in the table.

    Raises:
        InputError: If columns contradict one another on the splits, or cannot be read.
    """
    names = list(table[0][1])
    meanings = {"split": None if "split" in names else column_of_splits(table), "subject": _synonym("subject", names)}
    for column, meant in meanings.items():
        if column in names or meant is None:
            continue
        for _, row in table:
            if meant in row:
                row[column] = row.pop(meant)
        click.echo(f"{path}: the column {meant!r} is taken as {column}", err=True)
    if "split" not in table[0][1]:
        for line in take_flags(table):
            click.echo(f"{path}: {line}", err=True)
    return meanings["split"] or "split"


def _synonym(column: str, names: list[str]) -> str | None:
    """The only name that means the column."""
    found = meaning(column, names)
    return found[0] if len(found) == 1 else None


def _columns_of_row(root: Path, values: list[str]) -> Header | None:
    """The columns of a row: one value names a photo, one may be a split, and one is left."""
    names = ["image" if _names_photo(root, value) else "split" if value and _is_split(value) else "" for value in values]
    others = [place for place, value in enumerate(values) if value and not names[place]]
    if names.count("image") != 1 or names.count("split") > 1 or len(others) != 1:
        return None
    names[others[0]] = "label"
    return Header(names, is_row=True)


def _names_photo(root: Path, value: str) -> bool:
    return bool(value) and (is_image(value) or os.path.isfile(root / value))  # noqa: PTH113 (Path.is_file raises for long names)


def _is_split(value: str) -> bool:
    return not given(value) or bool(split_named(value))
