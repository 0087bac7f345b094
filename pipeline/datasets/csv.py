"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split."""

from pathlib import Path

from pipeline.datasets import Source
from pipeline.datasets.tables import rows
from pipeline.manifest import Photo


def read(source: Source) -> list[Photo]:
    """One photo per row, in file order; ``image`` is relative to the root, or absolute."""
    table = rows(source.root / "labels.csv", filled=("image", "label"))
    return [
        Photo(
            id=Path(row["image"]).as_posix(),
            path=(source.root / row["image"]).as_posix(),
            label=row["label"],
            split=row.get("split") or "",
            subject=row.get("subject") or "",
        )
        for _, row in table
    ]
