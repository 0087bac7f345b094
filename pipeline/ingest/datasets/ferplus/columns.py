"""Tell the columns of a table of FER2013 apart, by their names or else by their content."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pipeline.ingest.datasets.common.class_names import ClassNames, UnknownLabelError
from pipeline.ingest.datasets.common.csv_table.lines import BLANKS, SEPARATORS, encodings_of
from pipeline.ingest.datasets.common.csv_table.rows import PUNCTUATION, rows
from pipeline.ingest.datasets.common.folders.folder_tree import is_image
from pipeline.ingest.split_names import split_named
from pipeline.runtime.errors import InputError

SIDE = 48  # pixels
SAMPLE = 50  # rows by which columns are told apart: more than there are classes, so that a column of row numbers differs
OF_ONE_PIXEL = re.compile(r"pixel\D?\d+", re.IGNORECASE)  # name of a column
LONGEST = 1_000_000  # characters of a line


@dataclass(frozen=True)
class Row:
    """A row of the table; a value is None if the table has no such column."""

    where: str  # file and line
    pixels: str
    usage: str | None
    emotion: str | None


def read_rows(table: Path, names: ClassNames) -> list[Row]:
    """Read a table of pixels. It may lack its header line, and its columns may have other names and another order.

    Args:
        table: The table.
        names: The classes that its emotions are numbers or names of.

    Raises:
        InputError: If the table cannot be read, or no column holds pixels, or several may hold the same.
    """
    sample = _sample(table)
    first = sample[0] if sample else []
    has_header = not any(map(_are_pixels, first))
    columns = first if has_header else [f"column {i}" for i in range(1, len(first) + 1)]
    if sum(OF_ONE_PIXEL.fullmatch(column) is not None for column in columns) > 1:
        raise InputError(f"{table} has a column for each pixel: join them into one column pixels, with blanks between them")
    found = _roles(table, columns, sample[1:] if has_header else sample, names)
    pixels, usage, emotion = found["pixels"] or "pixels", found["usage"], found["emotion"]
    optional = tuple(column for column in (usage, emotion) if column)
    without_header = () if has_header else tuple(columns)
    lines = rows(table, filled=(), present=(pixels,), optional=optional, published=without_header)
    return [
        Row(where, row[pixels], row[usage] if usage else None, row[emotion] if emotion else None) for where, row in lines
    ]


def has_pixels(table: Path) -> bool:
    """Return whether a table of a common name, such as ``train.csv``, holds pixels."""
    sample = _sample(table, 2)
    values = [value for line in sample for value in line]
    return any(value.casefold() == "pixels" or _are_pixels(value) or OF_ONE_PIXEL.fullmatch(value) for value in values)


def has_images(table: Path) -> bool:
    """Return whether a table names image files."""
    return any(is_image(value) for line in _sample(table, 2) for value in line)


def pixels_in(value: str) -> list[str]:
    """Return the numbers in a field of pixels, which may have brackets and commas between them."""
    return value.translate(PUNCTUATION).split()


def _sample(table: Path, number: int = SAMPLE) -> list[list[str]]:
    """The first lines, with the separator that gives a field of pixels, or else most fields."""
    with table.open(encoding=encodings_of(table)[0], errors="replace", newline="") as stream:
        text = list(filter(str.strip, (stream.readline(LONGEST) for _ in range(number))))
    tries = [list(csv.reader(text, delimiter=separator, skipinitialspace=True)) for separator in SEPARATORS]
    best = max(tries, key=lambda lines: (any(map(_are_pixels, chain(*lines[:2]))), len(lines[0]) if lines else 0))
    return [[value.strip(BLANKS) for value in line] for line in best]


def _roles(table: Path, columns: Sequence[str], lines: Sequence[Sequence[str]], names: ClassNames) -> dict[str, str | None]:
    """The column of each role, or None."""
    tests = {"pixels": _are_pixels, "usage": _is_usage, "emotion": lambda value: _is_label(value, names)}
    found: dict[str, str | None] = {
        role: next((column for column in columns if column.casefold() == role), None) for role in tests
    }
    for role, test in tests.items():
        if found[role] is None and (role == "pixels" or found["pixels"]):
            free = [(i, column) for i, column in enumerate(columns) if column not in ("", *found.values())]
            fitting = [column for i, column in free if _most_fit(test, [line[i] for line in lines if len(line) > i])]
            if len(fitting) > 1:
                raise InputError(f"{table}: the columns {' and '.join(fitting)} may both be {role}: name that column {role}")
            found[role] = fitting[0] if fitting else None
    return found


def _most_fit(test: Callable[[str], bool], values: Sequence[str]) -> bool:
    return sum(map(test, values)) > len(values) / 2


def _are_pixels(value: str) -> bool:
    numbers = pixels_in(value)
    return len(numbers) == SIDE * SIDE and all(map(str.isdecimal, numbers))


def _is_usage(value: str) -> bool:
    return bool(split_named(value))


def _is_label(value: str, names: ClassNames) -> bool:
    try:
        names.name_of(value)
    except UnknownLabelError:
        return False
    return True
