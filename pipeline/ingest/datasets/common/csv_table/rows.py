"""Read the tables that datasets come with, as spreadsheets write them. Errors name the file and the line."""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from pipeline.faces.boxes import Box, parse_box
from pipeline.ingest.datasets.common.csv_table.header import Columns, Guess
from pipeline.ingest.datasets.common.csv_table.lines import Lines, encodings_of, separator_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import SILENT_SECONDS, progress

NO_VALUE = frozenset({"null", "nan", "none", "na", "n/a", "-"})  # in any case
PUNCTUATION = str.maketrans("[](),;", "      ")  # of a box: [1, 2, 3, 4]


def rows(
    path: Path,
    filled: tuple[str, ...],
    present: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    published: tuple[str, ...] = (),
    guess: Guess = lambda first: None,  # noqa: ARG005 (a guess of nothing)
) -> list[tuple[str, dict[str, str]]]:
    """Read a CSV file with a header.

    The columns are separated by commas, semicolons, tabs or bars. The names of the given columns are found in any case.
    Lines without a value are passed over. A line may be quoted as a whole. A header may stand between the rows again, where
    tables were joined: it names the columns of the rows after it.

    Args:
        path: The file, in UTF-8, UTF-16 or Windows-1252.
        filled: Columns that must have a value in every row.
        present: Columns that must exist.
        optional: Other columns that the caller knows.
        published: All columns of a public dataset's table. If they are given, the file may lack its header, and the columns
            that the caller does not know are not kept in memory.
        guess: Names the columns from a first line in which columns that must exist are missing. A line on stderr says what
            was taken.

    Returns:
        For each row, its file and line for error messages, and its values by column, stripped of blanks.

    Raises:
        InputError: If the file is missing, is no CSV file, lacks a column or a value, or has no rows.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: it must be a table, one CSV file")
    if not path.is_file():
        raise InputError(f"{path} does not exist: check ingest.root and ingest.dataset")
    csv.field_size_limit(10_000_000)  # FER's pixels are one long field
    kept = (*filled, *present, *optional) if published else ()
    for encoding in encodings_of(path):
        columns = Columns(path, (*filled, *present), optional, published, guess)
        try:
            with path.open(encoding=encoding, newline="") as stream:
                read = _rows(path, stream, columns, filled, kept)
                table = list(progress(read, total=None, title=f"read {path.name}", unit="rows", delay=SILENT_SECONDS))
        except UnicodeError:
            continue
        except csv.Error as error:
            raise InputError(f"{path} is not a CSV file ({error}): save it as one") from error
        if encoding == "cp1252":
            click.echo(f"{path} is not UTF-8 text: it is read as Windows-1252, Excel's CSV of western Europe", err=True)
        if not table:
            raise InputError(f"{path} has a header but no rows: list the photos in it")
        columns.report()
        return table
    raise InputError(f"{path} is not a CSV file in UTF-8: save it as one")


def _rows(
    path: Path, stream: TextIO, columns: Columns, filled: Sequence[str], kept: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    lines = Lines(stream, separator_of(path, stream, columns.score))
    first = next(lines)
    header = columns.header(first)
    for values in chain([first] if header.is_row else [], lines):
        again = columns.header_again(values)
        if again:
            header = again
            continue
        where = f"{path} line {lines.number}"
        if not kept and any(values[len(header.names) :]):
            fix = "put quotation marks around a value that holds the separator"
            raise InputError(f"{where} has {len(values)} values, but the table has {len(header.names)} columns: {fix}")
        row = dict.fromkeys(header.names, "") | dict(zip(header.names, values, strict=False))
        if kept:
            row = {name: row.get(name, "") for name in kept}
        for column in filled:
            if not row[column]:
                raise InputError(f"{where}: {column} is empty: fill it in or remove the line")
        yield where, row


def given(text: str) -> str:
    """Return a value, or empty text if it only says that there is no value, as pandas writes ``NaN``."""
    return "" if text.casefold() in NO_VALUE else text


def box_of(text: str, where: str) -> Box | None:
    """Parse a box ``left top right bottom``, which may have brackets and commas; return None for no value.

    Raises:
        InputError: If the text is not a box. The error names ``where``, a file and line.
    """
    if not given(text):
        return None
    try:
        return parse_box(text.translate(PUNCTUATION).strip())
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
