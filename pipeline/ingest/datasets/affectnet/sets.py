"""AffectNet's newer layout: ``train_set/`` and ``val_set/``, each with ``images/N.jpg`` and ``annotations/N_exp.npy``.

``N_exp.npy`` holds the number of the class, as text in the published archive and as a number in copies.
"""

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status

NAMES = {"train": "train_set", "test": "val_set"}
END = "_exp.npy"


def find(tree: Tree, folder: Path) -> dict[str, Path] | None:
    """Return the folders of ``train`` and ``test``, of which one at least is in ``folder``; None if there are none."""
    sets = {split: _set(tree, folder, name) for split, name in NAMES.items()}
    return tree.complete(sets, lambda split, other: _set(tree, other, NAMES[split]))


def photos_of(tree: Tree, sets: Mapping[str, Path], names: ClassNames) -> list[Photo]:
    """List all annotated photos in the order of their numbers, then the photos without annotation, which are excluded.

    Raises:
        InputError: If a set has no annotations, or most of them cannot be read.
    """
    photos = PhotoList()
    for split, folder in sets.items():
        _add_set(photos, tree, folder, split, names)
    return photos.finish()


def read_class(annotation: Path) -> str:
    """Read the class from an annotation file.

    Raises:
        ValueError: If the file does not hold one number or text. The message is a reason.
    """
    try:
        return _class_in(annotation.read_bytes())
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise ValueError("its annotation is not a NumPy file with one number: restore it from the archive") from error


@lru_cache(maxsize=256)  # annotations of a class are the same bytes; NumPy would parse each header anew
def _class_in(content: bytes) -> str:
    value = np.load(BytesIO(content), allow_pickle=False).item()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _set(tree: Tree, folder: Path, name: str) -> Path | None:
    """The folder of a set. Unpacked into a folder of its own name, it is there twice: ``val_set/val_set/images``."""
    outer = tree.folder(folder, name)
    inner = outer and tree.folder(outer, name)
    for place in filter(None, (outer, inner)):
        if tree.folder(place, "annotations", "images"):
            return place
    return None


def _add_set(photos: PhotoList, tree: Tree, folder: Path, split: str, names: ClassNames) -> None:
    annotations = tree.folder(folder, "annotations") or folder / "annotations"
    images = tree.folder(folder, "images") or folder / "images"
    numbers = {name[: -len(END)]: name for name in tree.files(annotations).all if name.casefold().endswith(END)}
    if not numbers:
        raise InputError(f"{annotations} has no *_exp.npy: unpack AffectNet's annotations there")
    ordered = sorted(numbers, key=lambda number: (len(number), number))
    for number in progress(ordered, total=len(ordered), title="ingest", unit="annotations"):
        name, annotation = f"{split}_{number}", annotations / numbers[number]
        path = (tree.photo(images, f"{number}.jpg") or images / f"{number}.jpg").as_posix()
        try:
            photos.add(Photo(name, path, names.name_of(read_class(annotation)), split, subject=""))
        except ValueError as error:
            photos.add_unusable(Photo(name, path, "", split, subject=""), str(annotation), error)
    annotated = {number.casefold() for number in numbers}
    for stem, image in sorted(tree.files(images).images().items()):
        if stem not in annotated:
            photo, reason = images / image, "it has no annotation"
            photos.add(Photo(f"{split}_{photo.stem}", photo.as_posix(), "", split, "", Status.EXCLUDED, reason))
