"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box."""

from collections.abc import Collection
from pathlib import Path

import click

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.csv_rows import box_of, rows
from pipeline.runtime.errors import InputError, closest_name

COLUMNS = ("image", "label", "subject", "split", "box")


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per row, in file order.

    The column ``image`` is a path, relative to the root or absolute. The column ``box`` is the face's box as
    ``left top right bottom`` in pixels of the upright photo; if it is empty, stage detect looks for the face.

    Raises:
        InputError: If the table cannot be read, or has a column that looks like a misspelt known column.
    """
    path = source.root / "labels.csv"
    table = rows(path, filled=("image", "label"))
    _, first = table[0]
    _refuse_misspelt(path, first)
    _report_unread(path, first)
    return [
        Photo(
            id=Path(row["image"]).as_posix(),
            path=(source.root / row["image"]).as_posix(),
            label=row["label"],
            split=row.get("split") or "",
            subject=row.get("subject") or "",
            box=box_of(row.get("box", ""), where),
        )
        for where, row in table
    ]


def _refuse_misspelt(path: Path, names: Collection[str]) -> None:
    """Raise InputError for a column that is probably a misspelt optional column.

    Otherwise aucue would make splits, or detect boxes, that the table gives.
    """
    absent = [column for column in COLUMNS if column not in names]
    for name in names:
        column = None if name in COLUMNS else closest_name(name, absent)
        if column:
            raise InputError(f"{path} has the column {name!r}: write {column}, or rename it if it is not meant to be read")


def _report_unread(path: Path, names: Collection[str]) -> None:
    unread = [repr(name) for name in names if name not in COLUMNS and name.strip()]
    if unread:
        click.echo(f"{path}: not read: {', '.join(unread)} (columns that are read: {', '.join(COLUMNS)})", err=True)
