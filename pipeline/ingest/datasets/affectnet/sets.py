"""AffectNet's newer layout: ``train_set/`` and ``val_set/``, each with ``images/N.jpg`` and ``annotations/N_exp.npy``.

``N_exp.npy`` holds the number of the class, as text in the published archive and as a number in copies. Copies keep photos
and annotations together, or in a folder too many, ``images/images``.
"""

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import NothingFoundError
from pipeline.ingest.datasets.affectnet.numbers import refuse_numbers_from_1
from pipeline.ingest.datasets.affectnet.set_folders import END, SetFolders, numbers_in
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status

NAMES = {"train": "train_set", "test": "val_set"}
WITH_TEST = {"train": "train_set", "validation": "val_set", "test": "test_set"}  # copies that keep some photos back


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
        _add_set(photos, SetFolders(tree, folder), split, names)
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
        if tree.folder(place, "annotations", "images") or numbers_in(tree, place):
            return place
    return None


def _add_set(photos: PhotoList, folders: SetFolders, split: str, names: ClassNames) -> None:
    """Add the photos of a set. The id of a photo is the split, the part of the set if it has parts, and its number."""
    annotations = folders.annotations()
    total = sum(map(len, annotations.values()))
    if not total:
        raise NothingFoundError(f"{folders.of_annotations} has no *{END}: unpack AffectNet's annotations there")
    found = {(part, number): folders.photo(part, number) for part, numbers in annotations.items() for number in numbers}
    used, written = set(found.values()), set()
    bar: tqdm[None] = progress(None, total=total, title="ingest", unit="annotations")
    with bar:
        for part, numbers in annotations.items():
            prefix = f"{split}_{part}" if part else split
            for number, annotation in numbers.items():
                path = found[part, number] or folders.published(part, number)
                photo = Photo(f"{prefix}_{number}", path.as_posix(), "", split, subject="")
                try:
                    written.add(label := read_class(annotation))
                    photos.add_labelled(photo, names.name_of(label))
                except ValueError as error:
                    photos.add_unusable(photo, str(annotation), error)
                bar.update()
            annotated = {number.casefold() for number in numbers}
            for path in folders.photos(part):
                if path not in used and path.stem.casefold() not in annotated:
                    reason = "it has no annotation"
                    photos.add(Photo(f"{prefix}_{path.stem}", path.as_posix(), "", split, "", Status.EXCLUDED, reason))
    if split == "train":
        refuse_numbers_from_1(folders.of_annotations, "annotations", written, names)
