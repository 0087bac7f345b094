"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box."""

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import click

from pipeline.datasets import Source
from pipeline.datasets.tables import box_of, rows
from pipeline.errors import InputError
from pipeline.manifest import Photo

COLUMNS = ("image", "label", "subject", "split", "box")


def read(source: Source) -> list[Photo]:
    """One photo per row, in file order; ``image`` is relative to the root, or absolute.

    ``box`` is the face's, as ``left top right bottom`` in pixels of the upright photo; empty for the detector to find it.
    """
    path = source.root / "labels.csv"
    table = rows(path, filled=("image", "label"))
    _, first = table[0]
    _refuse_misspelt(path, first)
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
    """A column left aside would make splits that the dataset has, or detect boxes that it gives."""
    others = [name for name in names if name not in COLUMNS]
    absent = [column for column in COLUMNS if column not in names]
    for name in others:
        meant = get_close_matches(name.strip().lower(), absent, n=1, cutoff=0.75)
        if meant:
            raise InputError(f"{path} has the column {name!r}: write {meant[0]}")
    if others:
        click.echo(f"{path}: not read: {', '.join(others)} (columns that are: {', '.join(COLUMNS)})", err=True)
