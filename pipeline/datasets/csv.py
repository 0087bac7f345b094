"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box."""

from pathlib import Path

from pipeline.datasets import Source
from pipeline.datasets.tables import box_of, rows
from pipeline.manifest import Photo


def read(source: Source) -> list[Photo]:
    """One photo per row, in file order; ``image`` is relative to the root, or absolute.

    ``box`` is the face's, as ``left top right bottom`` in pixels of the upright photo; empty for the detector to find it.
    """
    table = rows(source.root / "labels.csv", filled=("image", "label"))
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
