"""AffectNet, in both of its layouts.

The new layout has ``train_set/`` and ``val_set/``, each with ``images/N.jpg`` and ``annotations/N_exp.npy`` (the class
number as text). The old layout has ``training.csv`` and ``validation.csv``, which may give the face's box. As in the paper,
AffectNet's validation set serves as test.
"""

from pathlib import Path

import numpy as np

from pipeline.faces.boxes import Box
from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.csv_rows import box_of, name_of, rows
from pipeline.runtime.errors import InputError

LABELS = {
    0: "neutral",
    1: "happiness",
    2: "sadness",
    3: "surprise",
    4: "fear",
    5: "disgust",
    6: "anger",
    7: "contempt",
    8: "none",
    9: "uncertain",
    10: "no-face",
}


def read(source: DatasetSource) -> list[Photo]:
    """List all annotated photos, train before test, in the order of their numbers or rows.

    Raises:
        InputError: If the folder has neither layout, or an annotation cannot be read.
    """
    if (source.root / "train_set").is_dir():
        return _read_set(source.root / "train_set", "train") + _read_set(source.root / "val_set", "test")
    if (source.root / "training.csv").is_file():
        return _read_csv(source.root, "training", "train") + _read_csv(source.root, "validation", "test")
    raise InputError(f"{source.root} has neither train_set/ nor training.csv: ingest.root must be the AffectNet folder")


def _read_set(folder: Path, split: str) -> list[Photo]:
    annotations = list((folder / "annotations").glob("*_exp.npy"))
    if not annotations:
        raise InputError(f"{folder / 'annotations'} has no *_exp.npy: unpack AffectNet's annotations there")
    numbers = sorted((path.name.removesuffix("_exp.npy") for path in annotations), key=lambda name: (len(name), name))
    photos = []
    for number in numbers:
        annotation = folder / "annotations" / f"{number}_exp.npy"
        try:
            label = str(np.load(annotation, allow_pickle=False).item())
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{annotation}: not a NumPy file with one number: restore it from the archive") from error
        path = folder / "images" / f"{number}.jpg"
        photos.append(
            Photo(f"{split}_{number}", path.as_posix(), name_of(label, LABELS, str(annotation)), split, subject="")
        )
    return photos


def _read_csv(root: Path, name: str, split: str) -> list[Photo]:
    images = root / "Manually_Annotated_Images"
    images = images if images.is_dir() else root
    return [
        Photo(
            id=row["subDirectory_filePath"],
            path=(images / row["subDirectory_filePath"]).as_posix(),
            label=name_of(row["expression"], LABELS, where),
            split=split,
            subject="",
            box=_box(row, where),
        )
        for where, row in rows(root / f"{name}.csv", filled=("subDirectory_filePath", "expression"))
    ]


def _box(row: dict[str, str], where: str) -> Box | None:
    """The annotated box; None if the table gives no box, or a width of 0 as for the rows without a face."""
    numbers = [row.get(f"face_{name}", "") for name in ("x", "y", "width", "height")]
    if not all(numbers):
        return None
    try:
        left, top, width, height = map(float, numbers)
    except ValueError:
        raise InputError(
            f"{where}: face box {' '.join(numbers)!r} is not four numbers: restore the published file"
        ) from None
    if width <= 0 or height <= 0:
        return None
    return box_of(f"{left} {top} {left + width} {top + height}", where)
