"""CSV tables whose rows are frozen dataclasses: the manifest and the detections."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pipeline.runtime.errors import InputError
from pipeline.runtime.file_errors import naming
from pipeline.runtime.garbage import many_rows
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.outputs.overwriting import refuse_foreign, starting_with
from pipeline.runtime.progress import SILENT_SECONDS, progress

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True)
class Codec:
    """The conversion of a column that is not plain text or a number: from text and to text."""

    read: Callable[[str], object]
    write: Callable[[Any], str]


def column(codec: Codec, default: object) -> Any:
    """Make a dataclass field whose values are converted by ``codec``."""
    return field(default=default, metadata={"codec": codec})


def write_table(path: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Write a table atomically: a header of the field names, then one line per row.

    Args:
        path: File to write.
        row_type: The dataclass of the rows.
        rows: The rows.
    """
    refuse_foreign_table(path, row_type)
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(row_type)])
        shown = progress(rows, total=None, title=f"write {path.name}", unit="rows", delay=SILENT_SECONDS)
        writer.writerows([_write_value(row, field) for field in fields(row_type)] for row in shown)


def refuse_foreign_table(path: Path, row_type: type[Row]) -> None:
    """Raise InputError if ``path`` is a file that does not begin as tables of this type did in every version."""
    names = [field.name for field in fields(row_type) if field.default is MISSING]
    refuse_foreign(path, starting_with(",".join(names)))


def read_table(path: Path, row_type: type[Row], made_by: str) -> list[Row]:
    """Read the table that ``write_table`` wrote.

    Args:
        path: File to read.
        row_type: The dataclass of the rows.
        made_by: The stage that writes the file, for error messages.

    Raises:
        InputError: If the file is missing or malformed.
    """
    fix = f"run `aucue {made_by}`"
    if not path.is_file():
        raise InputError(f"{path} does not exist: {fix} first, or give its path")
    types = {field.name: _reader(field) for field in fields(row_type)}
    with naming(path), path.open(encoding="utf-8", newline="") as stream, many_rows():
        reader = csv.reader(stream)
        try:
            header = next(reader, [])
            if header != list(types):
                raise InputError(
                    f"{path} has the columns {', '.join(header) or 'none'}, not {', '.join(types)}: {fix} again"
                )
            rows = []
            lines = progress(reader, total=None, title=f"read {path.name}", unit="rows", delay=SILENT_SECONDS)
            for values in lines:
                if len(values) != len(types):
                    where = f"{path} line {reader.line_num}"
                    raise InputError(f"{where} has {len(values)} values for {len(types)} columns: {fix} again")
                rows.append(row_type(*(convert(value) for convert, value in zip(types.values(), values, strict=True))))
        except InputError:
            raise
        except (ValueError, csv.Error) as error:  # also UnicodeDecodeError
            raise InputError(f"{path} line {reader.line_num} cannot be read ({error}): {fix} again") from error
    return rows


def _reader(field: Field) -> Callable[[str], object]:
    """Choose the function that reads a field from text: that of its codec, or its type itself (str, int or float)."""
    codec = field.metadata.get("codec")
    return codec.read if codec else cast(Callable[[str], object], field.type)


def _write_value(row: object, field: Field) -> object:
    value, codec = getattr(row, field.name), field.metadata.get("codec")
    return codec.write(value) if codec else value
