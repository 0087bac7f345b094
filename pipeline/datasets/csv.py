"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box."""

from pathlib import Path

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
    for name in first:  # one of them left aside would make splits that the dataset has, or detect boxes that it gives
        if name not in COLUMNS and name.strip().lower() in COLUMNS:
            raise InputError(f"{path} has the column {name!r}: write {name.strip().lower()}")
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
