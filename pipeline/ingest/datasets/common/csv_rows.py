"""Read the tables that datasets come with, as spreadsheets write them. Errors name the file and the line."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from pipeline.faces.boxes import Box, parse_box
from pipeline.runtime.errors import InputError

SEPARATORS = ",;\t|"  # Excel writes semicolons where a comma is the decimal sign, and tabs as "Unicode text"
BLANKS = " \t\r\n\xa0\u200b\ufeff"  # around a name or value: also the blanks that nobody sees
NO_VALUE = frozenset({"null", "nan", "none", "na", "n/a", "-"})  # in any case
PUNCTUATION = str.maketrans("[](),;", "      ")  # of a box: [1, 2, 3, 4]
MOST_NAMES, LONGEST_NAME = 20, 40  # columns, and characters of a column's name, in a message
WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def rows(
    path: Path,
    filled: tuple[str, ...],
    present: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    published: tuple[str, ...] = (),
) -> list[tuple[str, dict[str, str]]]:
    """Read a CSV file with a header.

    The columns are separated by commas, semicolons, tabs or bars. The names of the given columns are found in any case.
    Lines without a value are passed over.

    Args:
        path: The file, in UTF-8, UTF-16 or Windows-1252.
        filled: Columns that must have a value in every row.
        present: Columns that must exist.
        optional: Other columns that the caller knows.
        published: All columns of a public dataset's table. If they are given, the file may lack its header, and the columns
            that the caller does not know are not kept in memory.

    Returns:
        For each row, its file and line for error messages, and its values by column, stripped of blanks.

    Raises:
        InputError: If the file is missing, is no CSV file, lacks a column or a value, or has no rows.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: check ingest.root and ingest.dataset")
    csv.field_size_limit(10_000_000)  # FER's pixels are one long field
    with path.open("rb") as file:
        encodings = ("utf-16",) if file.read(2) in WIDE else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            with path.open(encoding=encoding, newline="") as stream:
                table = list(_rows(path, stream, filled, present, optional, published))
        except UnicodeError:
            continue
        except csv.Error as error:
            raise InputError(f"{path} is not a CSV file ({error}): save it as one") from error
        if encoding == "cp1252":
            click.echo(f"{path} is not UTF-8 text: it is read as Windows-1252, Excel's CSV of western Europe", err=True)
        if not table:
            raise InputError(f"{path} has a header but no rows: list the photos in it")
        return table
    raise InputError(f"{path} is not a CSV file in UTF-8: save it as one")


def _rows(
    path: Path,
    stream: TextIO,
    filled: Sequence[str],
    present: Sequence[str],
    optional: Sequence[str],
    published: Sequence[str],
) -> Iterator[tuple[str, dict[str, str]]]:
    required = (*filled, *present)
    reader = csv.reader(stream, delimiter=_separator(path, stream, required, len(published)), skipinitialspace=True)
    lines = _filled_lines(reader)
    first = next(lines, [])
    header = _header(path, first, (*required, *optional))
    if len(first) == len(published) and not set(header) & set(published):  # the first line is a row
        header, lines = list(published), chain([first], lines)
    if missing := [column for column in required if column not in header]:
        raise InputError(f"{path} has no column {', '.join(missing)}: it has {_names(header)}")
    for values in lines:
        where = f"{path} line {reader.line_num}"
        row = dict.fromkeys(header, "") | dict(zip(header, values, strict=False))
        if published:
            row = {name: row.get(name, "") for name in (*required, *optional)}
        for column in filled:
            if not row[column]:
                raise InputError(f"{where}: {column} is empty: fill it in or remove the line")
        yield where, row


def _names(header: Sequence[str]) -> str:
    more = [f"{len(header) - MOST_NAMES:,} more"] if len(header) > MOST_NAMES else []
    return ", ".join([name[:LONGEST_NAME] for name in header[:MOST_NAMES]] + more)


def _filled_lines(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    for line in reader:
        values = [value.strip(BLANKS) for value in line]
        if any(values) and not _names_separator(values[0]):
            yield values


def _separator(path: Path, stream: TextIO, required: Sequence[str], number: int) -> str:
    """The separator that gives the header most of the columns that must exist, or the number of columns. Rewinds."""
    headers = (line for line in stream if line.strip(BLANKS + SEPARATORS + '"') and not _names_separator(line))
    header = next(headers, "")
    if "\0" in header or header.startswith("PK\3\4"):
        raise InputError(f"{path} is a workbook or another binary file: save it as CSV")
    stream.seek(0)

    def found(separator: str) -> tuple[int, bool]:
        names = [name.strip(BLANKS).casefold() for name in next(csv.reader([header], delimiter=separator), [])]
        return sum(column.casefold() in names for column in required), len(names) == number

    return max(SEPARATORS, key=found)


def _names_separator(text: str) -> bool:
    """Whether this is the line ``sep=;``, which tells Excel the separator."""
    return text.startswith("sep=") and len(text.strip(BLANKS)) <= len("sep=;")


def _header(path: Path, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names of the columns, with known names as the caller writes them."""
    spellings = {name.casefold(): name for name in known}
    header = [spellings.get(name.casefold(), name) for name in names]
    for name in known:
        if header.count(name) > 1:
            raise InputError(f"{path} has several columns {name}: keep one of them")
    return header


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
