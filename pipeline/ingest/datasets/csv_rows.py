"""Read the tables that datasets come with. Errors name the file and the line."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.faces.boxes import Box, parse_box
from pipeline.runtime.errors import InputError


def rows(
    path: Path,
    filled: tuple[str, ...],
    present: tuple[str, ...] = (),
    columns: Sequence[str] = (),
    wanted: Collection[str] = (),
) -> list[tuple[str, dict[str, str]]]:
    """Read a CSV file with a header.

    Args:
        path: The file.
        filled: Columns that must have a value in every row.
        present: Columns that must exist.
        columns: The columns of a published table that some copies have without its header.
        wanted: Columns to keep in memory; empty for all.

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
            if columns and len(header) == len(columns) and not set(header) & set(columns):  # the first line is a row
                stream.seek(0)
                reader = csv.DictReader(stream, columns, skipinitialspace=True)
                header = columns
            missing = [column for column in (*filled, *present) if column not in header]
            if missing:
                if len(header) == 1 and set(header[0]) & set(";\t|"):
                    raise InputError(f"{path} has one column, {header[0]!r}: separate its columns by commas")
                raise InputError(f"{path} has no column {', '.join(missing)}: it has {', '.join(header)}")
            for row in reader:
                where = f"{path} line {reader.line_num}"
                names = [name for name in wanted or row if name in row and name is not None]
                values = {name: (row[name] or "").strip() for name in names}
                for column in filled:
                    if not values[column]:
                        raise InputError(f"{where}: {column} is empty: fill it in or remove the line")
                table.append((where, values))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not a CSV file in UTF-8 ({error}): save it as one") from error
    if not table:
        raise InputError(f"{path} has a header but no rows: list the photos in it")
    return table


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
