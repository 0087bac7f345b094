"""Copies of public datasets with photos in folders named after their class: ``train/3/*.jpg`` or ``train/happy/*.jpg``.

A copy that has a validation split but no test split has its validation photos as test photos, as papers do with AffectNet.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import ClassNames, UnknownLabelError
from pipeline.ingest.datasets.common.folders.folder_tree import Folder
from pipeline.ingest.datasets.common.folders.label_folders import in_label, in_no_label
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.numbering import describe_numbers, numbered_otherwise, numbers_in
from pipeline.ingest.label_names import as_yaml
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

LEAST_CLASSES = 2  # folders of classes by which a copy is recognised


@dataclass(frozen=True)
class ClassFolder:
    """A folder of photos with one label."""

    path: Path
    split: str  # empty if the copy has no splits
    label: str | None  # None if the name is none of the dataset's classes
    name: str  # of the folder of the class, in which there may be folders of splits


def find(tree: Tree, folder: Path, names: ClassNames) -> list[ClassFolder] | None:
    """Find the folders of classes in a folder, or in its folders of splits.

    Args:
        tree: The dataset.
        folder: The folder.
        names: The dataset's classes.

    Returns:
        The folders; None if this is no copy in folders of classes.

    Raises:
        InputError: If some classes hold folders of splits and others do not.
    """
    outer = tree.inner(folder)
    named = splits_of(path.name for path in outer)
    splits = [(path, named[path.name]) for path in outer if path.name in named]
    places = [(inner, split) for path, split in splits for inner in tree.inner(path)] or [(path, "") for path in outer]
    found = [ClassFolder(path, split, _label(path.name, names), path.name) for path, split in places]
    known = [each for each in found if each.label is not None]
    if len(known) < LEAST_CLASSES or (not splits and not _are_all_classes(found, names)):
        return None
    return found if splits else _in_splits_of_classes(tree, found)


def _in_splits_of_classes(tree: Tree, found: list[ClassFolder]) -> list[ClassFolder]:
    """The folders of splits in the folders of classes (``happy/train/*.jpg``); the folders as they are without any."""
    inside = {each: splits_of(path.name for path in tree.inner(each.path)) for each in found if each.label}
    if len({split for splits in inside.values() for split in splits.values()}) < 2:
        return found
    for each, splits in inside.items():
        if not splits:
            fix = "sort its photos into such folders, too, or take the folders of splits away"
            raise InputError(f"{each.path} holds no folder of a split, but other classes do: {fix}")
    pairs = [(each, name, split) for each, splits in inside.items() for name, split in splits.items()]
    return [replace(each, path=each.path / name, split=split) for each, name, split in pairs]


def _are_all_classes(found: list[ClassFolder], names: ClassNames) -> bool:
    """Whether folders beside one another are all classes. AffectNet's own folders of photos have numbers, too, from 1."""
    numbered = _numbered(found)
    named = all(each.label or names.close_to(each.name) for each in found if each.name not in numbered)
    return named and (names.are_renamed(numbered) or names.may_have(numbered.values()))


def photos_of(tree: Tree, found: list[ClassFolder], names: ClassNames, within: Path | None = None) -> list[Photo]:
    """List the photos in folders of classes, in the order of their paths, then all photos beside these folders.

    Photos of other folders and beside the folders are excluded. Folders without photos are counted in a note.

    Args:
        tree: The dataset.
        found: The folders of classes.
        names: The dataset's classes.
        within: The folder in which photos beside the folders of classes are listed; None for the dataset's whole folder.

    Raises:
        InputError: If the folders have other numbers than the dataset's classes, and ``ingest.rename`` does not name all.
    """
    _note_numbers(tree, found, names)
    root, passed = tree.read_all()
    folders = {folder.path: folder for folder in root.walk()}
    classes = [each for each in found if each.path in folders and (each.label or folders[each.path].has_photos)]
    photos: list[Photo] = []
    for each in classes:
        of_class = in_label(tree.root, folders[each.path], each.label or "", each.split)
        photos += of_class if each.label else (_of_no_class(photo, each, names) for photo in of_class)
    photos = validation_as_test(photos, tree.root, tree.notes)
    for folder in _beside(folders[within or tree.root], {each.path for each in classes}):
        photos += in_no_label(tree.root, folder)
        if folder.files and not folder.has_photos:
            passed.without_photos[folder.path.as_posix()] = len(folder.files)
    return photos


def _of_no_class(photo: Photo, folder: ClassFolder, names: ClassNames) -> Photo:
    name = folder.name
    close = names.close_to(name)
    fix = f": write ingest.rename: {as_yaml({name: close})} in params.yaml if that is meant" if close else ""
    reason = photo.reason or f"its folder {name!r} is none of the dataset's classes{fix}"
    return replace(photo, status=Status.EXCLUDED, reason=reason)


def _beside(folder: Folder, classes: Collection[Path]) -> Iterator[Folder]:
    """The folders outside the folders of classes."""
    yield folder
    for inner in folder.folders.values():
        if inner.path not in classes:
            yield from _beside(inner, classes)


def _note_numbers(tree: Tree, found: list[ClassFolder], names: ClassNames) -> None:
    """Note which class each numbered folder is read as."""
    labels, place = list(_numbered(found)), found[0].path.parent if found else tree.root
    of_training = list(_numbered([each for each in found if each.split in ("train", "")]))
    if not set(numbers_in(labels).values()) <= set(names.names) and not names.are_renamed(labels):
        raise numbered_otherwise(place, "folders", labels, of_training, names)
    tree.notes.extend(describe_numbers(place, "folders", labels, of_training, names))


def _numbered(found: list[ClassFolder]) -> dict[str, int]:
    """The names of numbered folders, and their numbers."""
    return {each.name: int(each.name) for each in found if each.name.isdecimal()}


def _label(folder: str, names: ClassNames) -> str | None:
    try:
        return names.name_of_folder(folder)
    except UnknownLabelError:
        return None
