"""Copies of public datasets with photos in folders named after their class: ``train/3/*.jpg`` or ``train/happy/*.jpg``.

A copy that has a validation split but no test split has its validation photos as test photos, as papers do with AffectNet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets.common.class_names import UnknownLabelError, name_of_folder
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.splits import split_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

LEAST_CLASSES = 2  # folders of classes by which a copy is recognised
MOST_OF_A_PART = 2  # numbered folders without the dataset's first class; more are numbered otherwise


@dataclass(frozen=True)
class ClassFolder:
    """A folder of photos with one label."""

    path: Path
    split: str  # empty if the copy has no splits
    label: str | None  # None if the folder's name is none of the dataset's classes


def find(tree: Tree, folder: Path, names: Mapping[int, str]) -> list[ClassFolder] | None:
    """Find the folders of classes in a folder, or in its folders of splits.

    Args:
        tree: The dataset.
        folder: The folder.
        names: The dataset's numbers and names of its classes.

    Returns:
        The folders; None if this is no copy in folders of classes.
    """
    outer = tree.inner(folder)
    splits = [(path, split) for path in outer if (split := split_named(path.name))]
    places = [(inner, split) for path, split in splits for inner in tree.inner(path)] or [(path, "") for path in outer]
    found = [ClassFolder(path, split, _label(path.name, names)) for path, split in places]
    known = [each for each in found if each.label is not None]
    if len(known) < LEAST_CLASSES or (not splits and not _are_all_classes(found, names)):
        return None
    return found


def split_named(folder: str) -> str:
    """Return the split that a folder's name means (``train_class``, ``val_set``); empty if it means none."""
    split = split_of(folder.casefold().removesuffix("_class"))
    return split if split in SPLITS else ""


def _are_all_classes(found: list[ClassFolder], names: Mapping[int, str]) -> bool:
    """Whether folders beside one another are all classes. AffectNet's own folders of photos have numbers, too, from 1."""
    numbers = [int(each.path.name) for each in found if each.path.name.isdecimal()]
    return all(each.label for each in found) and (not numbers or min(names) in numbers)


def photos_of(tree: Tree, found: list[ClassFolder], names: Mapping[int, str]) -> list[Photo]:
    """List the photos in folders of classes, in the order of their paths. Photos of other folders are excluded.

    Raises:
        InputError: If a folder has a number that is none of the dataset's: then the copy numbers its classes otherwise.
    """
    _note_numbers(tree, found, names)
    photos = []
    for each in found:
        status, reason = Status.OK, ""
        if each.label is None:
            status, reason = Status.EXCLUDED, f"its folder {each.path.name!r} is none of the dataset's classes"
        for folder, files in tree.walk(each.path):
            for path in (folder / name for name in files):
                name = path.relative_to(tree.root).as_posix()
                photos.append(Photo(name, path.as_posix(), each.label or "", each.split, "", status, reason))
    return validation_as_test(photos, tree.root, tree.notes)


def _note_numbers(tree: Tree, found: list[ClassFolder], names: Mapping[int, str]) -> None:
    """Note which class each numbered folder is read as."""
    numbered = {int(each.path.name): each for each in found if each.path.name.isdecimal()}
    in_train = {int(each.path.name) for each in found if each.path.name.isdecimal() and each.split in ("train", "")}
    for each in numbered.values():
        if each.label is None:
            raise InputError(
                f"{each.path}: this dataset numbers its classes {min(names)} to {max(names)}: rename the folders of classes "
                "to names such as anger"
            )
    if len(in_train) > MOST_OF_A_PART and min(names) not in in_train:
        raise InputError(
            f"{found[0].path.parent}: folders of classes are numbered {min(in_train)} to {max(in_train)}, but this dataset "
            f"numbers its classes from {min(names)}: rename the folders of classes to names such as anger"
        )
    if numbered:
        meaning = ", ".join(f"{number} {each.label}" for number, each in sorted(numbered.items()))
        tree.notes.append(f"{found[0].path.parent}: the numbers of the folders are read as {meaning}")


def _label(folder: str, names: Mapping[int, str]) -> str | None:
    try:
        return name_of_folder(folder, names)
    except UnknownLabelError:
        return None
