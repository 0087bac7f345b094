"""AffectNet's newer layout: ``train_set/`` and ``val_set/``, each with ``images/N.jpg`` and ``annotations/N_exp.npy``.

``N_exp.npy`` holds the number of the class, as text in the published archive and as a number in copies. Copies keep photos
and annotations together, or in a folder too many, ``images/images``.
"""

from collections.abc import Mapping, Sequence
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
WITH_TEST = {"train": "train_set", "validation": "val_set", "test": "test_set"}  # copies that keep some photos back
END = "_exp.npy"


def find(tree: Tree, folder: Path) -> dict[str, Path] | None:
    """Return the folder of each split, of which one at least is in ``folder``; None if there are none."""
    has_test = any(_set(tree, place, WITH_TEST["test"]) for place in tree.below())
    names = WITH_TEST if has_test else NAMES
    sets = {split: _set(tree, folder, name) for split, name in names.items()}
    return tree.complete(sets, lambda split, other: _set(tree, other, names[split]))


def photos_of(tree: Tree, sets: Mapping[str, Path], names: ClassNames) -> list[Photo]:
    """List all annotated photos in the order of their numbers, then the photos without annotation, which are excluded.

    Raises:
        InputError: If a set has no annotations, or most of them cannot be read.
    """
    photos = PhotoList()
    for split, folder in sets.items():
        _add_set(photos, tree, folder, split, names)
    listed = photos.finish()
    tree.report_others(listed, "they belong to no split")
    return listed


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
        if tree.folder(place, "annotations", "images") or _numbers(tree, place):
            return place
    return None


def _add_set(photos: PhotoList, tree: Tree, folder: Path, split: str, names: ClassNames) -> None:
    of_images, of_annotations = _places(tree, folder, "images"), _places(tree, folder, "annotations")
    if _add_places(photos, tree, [*of_images, *of_annotations, folder], split, split, names):
        return
    parts = [part.name for place in of_annotations for part in tree.inner(place)]  # copies have a folder for each class
    found = [
        _add_places(photos, tree, [place / part for place in (*of_images, *of_annotations)], split, f"{split}_{part}", names)
        for part in parts
    ]
    if not any(found):
        raise InputError(f"{of_annotations[0]} has no *_exp.npy: unpack AffectNet's annotations there")


def _add_places(photos: PhotoList, tree: Tree, places: Sequence[Path], split: str, prefix: str, names: ClassNames) -> bool:
    """Add the photos in some folders, which hold photos or annotations; return whether there are annotations.

    The id of a photo is the prefix and its number.
    """
    numbers: dict[str, Path] = {}
    for place in places:
        numbers |= {number: path for number, path in _numbers(tree, place).items() if number not in numbers}
    if not numbers:
        return False
    ordered = sorted(numbers, key=lambda number: (len(number), number))
    for number in progress(ordered, total=len(ordered), title="ingest", unit="annotations"):
        name, annotation, file = f"{prefix}_{number}", numbers[number], f"{number}.jpg"
        found = next(filter(None, (tree.photo(place, file) for place in places)), places[0] / file)
        path = found.as_posix()
        try:
            photos.add(Photo(name, path, names.name_of(read_class(annotation)), split, subject=""))
        except ValueError as error:
            photos.add_unusable(Photo(name, path, "", split, subject=""), str(annotation), error)
    annotated = {number.casefold() for number in numbers}
    for place in places:
        for stem, image in sorted(tree.files(place).images().items()):
            if stem not in annotated:
                photo, reason = place / image, "it has no annotation"
                photos.add(Photo(f"{prefix}_{photo.stem}", photo.as_posix(), "", split, "", Status.EXCLUDED, reason))
    return True


def _places(tree: Tree, folder: Path, name: str) -> list[Path]:
    """The folder of a name in a set, and the folder of the same name in it if there is one."""
    outer = tree.folder(folder, name) or folder / name
    inner = tree.folder(outer, name)
    return [outer, inner] if inner else [outer]


def _numbers(tree: Tree, folder: Path) -> dict[str, Path]:
    """The annotations of classes in a folder, by the numbers of their photos."""
    names = tree.files(folder).all
    return {name[: -len(END)]: folder / name for name in names if name.casefold().endswith(END)}
