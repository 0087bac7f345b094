"""CSV tables of frozen dataclass rows: the manifest and the detections."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic

Row = TypeVar("Row")


@dataclass(frozen=True)
class Codec:
    """How a column that is no plain text or number is read from text, and written as text."""

    read: Callable[[str], object]
    write: Callable[[Any], str]


def column(codec: Codec, default: object) -> Any:
    """A dataclass field whose values ``codec`` reads and writes."""
    return field(default=default, metadata={"codec": codec})


def write_table(path: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Write one line per row under a header of the field names, atomically."""
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(row_type)])
        writer.writerows([_written(row, field) for field in fields(row_type)] for row in rows)


def read_table(path: Path, row_type: type[Row], made_by: str) -> list[Row]:
    """Read rows back. ``made_by`` is the stage that writes the file, named in the error when it is missing or malformed."""
    mend = f"run `aucue {made_by}`"
    if not path.is_file():
        raise InputError(f"{path} does not exist: {mend} first")
    types = {field.name: _reader(field) for field in fields(row_type)}
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        try:
            header = next(reader, [])
            if header != list(types):
                raise InputError(
                    f"{path} has the columns {', '.join(header) or 'none'}, not {', '.join(types)}: {mend} again"
                )
            rows = []
            for values in reader:
                if len(values) != len(types):
                    where = f"{path} line {reader.line_num}"
                    raise InputError(f"{where} has {len(values)} values for {len(types)} columns: {mend} again")
                rows.append(row_type(*(convert(value) for convert, value in zip(types.values(), values, strict=True))))
        except InputError:
            raise
        except (ValueError, csv.Error) as error:  # also UnicodeDecodeError
            raise InputError(f"{path} line {reader.line_num} cannot be read ({error}): {mend} again") from error
    return rows


def _reader(field: Field) -> Callable[[str], object]:
    codec = field.metadata.get("codec")
    return codec.read if codec else field.type


def _written(row: object, field: Field) -> object:
    value, codec = getattr(row, field.name), field.metadata.get("codec")
    return codec.write(value) if codec else value
