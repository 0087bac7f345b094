"""Reading the tables that datasets come with: errors name the file and the line."""

import csv
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import InputError


def rows(path: Path, required: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a CSV file with a header; the ``required`` columns are present and filled in every row."""
    if not path.is_file():
        raise InputError(f"{path} does not exist: check ingest.root and ingest.dataset")
    csv.field_size_limit(10_000_000)
    with open(path, encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, skipinitialspace=True)
        missing = [column for column in required if column not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{path} has no column {', '.join(missing)}: it has {', '.join(reader.fieldnames or ())}")
        table = []
        for row in reader:
            for column in required:
                if not (row[column] or "").strip():
                    raise InputError(f"{path} line {reader.line_num}: {column} is empty: fill it in or remove the line")
            table.append({name: (value or "").strip() for name, value in row.items() if name is not None})
    if not table:
        raise InputError(f"{path} has a header but no rows: list the photos in it")
    return table


def name_of(number: str, names: Mapping[int, str], where: str) -> str:
    """The class name of a dataset's own number."""
    try:
        return names[int(number)]
    except (ValueError, KeyError):
        raise InputError(
            f"{where}: label {number!r} is unknown: this dataset numbers its classes {min(names)} to {max(names)}"
        ) from None
