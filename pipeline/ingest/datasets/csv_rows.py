"""Read the tables that datasets come with. Errors name the file and the line."""

import csv
from collections.abc import Mapping
from pathlib import Path

from pipeline.faces.boxes import Box, parse_box
from pipeline.runtime.errors import InputError


def rows(path: Path, filled: tuple[str, ...], present: tuple[str, ...] = ()) -> list[tuple[str, dict[str, str]]]:
    """Read a CSV file with a header.

    Args:
        path: The file.
        filled: Columns that must have a value in every row.
        present: Columns that must exist.

    Returns:
        For each row, its file and line for error messages, and its values by column, stripped of spaces.

    Raises:
        InputError: If the file is missing, is no CSV file in UTF-8, lacks a column or a value, or has no rows.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: check ingest.root and ingest.dataset")
    csv.field_size_limit(10_000_000)  # FER's pixels are one long field
    table = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, skipinitialspace=True)
        try:
            header = reader.fieldnames or ()
            missing = [column for column in (*filled, *present) if column not in header]
            if missing:
                if len(header) == 1 and set(header[0]) & set(";\t|"):
                    raise InputError(f"{path} has one column, {header[0]!r}: separate its columns by commas")
                raise InputError(f"{path} has no column {', '.join(missing)}: it has {', '.join(header)}")
            for row in reader:
                where = f"{path} line {reader.line_num}"
                values = {name: (value or "").strip() for name, value in row.items() if name is not None}
                for column in filled:
                    if not values[column]:
                        raise InputError(f"{where}: {column} is empty: fill it in or remove the line")
                table.append((where, values))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not a CSV file in UTF-8 ({error}): save it as one") from error
    if not table:
        raise InputError(f"{path} has a header but no rows: list the photos in it")
    return table


def name_of(number: str, names: Mapping[int, str], where: str) -> str:
    """Translate a dataset's own class number.

    Args:
        number: The number as text.
        names: The name of each class.
        where: File and line for the error message.

    Returns:
        The name of the class.

    Raises:
        InputError: If no class has the number.
    """
    try:
        return names[int(number)]
    except (ValueError, KeyError):
        raise InputError(
            f"{where}: label {number!r} is unknown: this dataset numbers its classes {min(names)} to {max(names)}"
        ) from None


def box_of(text: str, where: str) -> Box | None:
    """Parse a box ``left top right bottom``; return None for empty text.

    Raises:
        InputError: If the text is not a box. The error names ``where``, a file and line.
    """
    if not text:
        return None
    try:
        return parse_box(text)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
