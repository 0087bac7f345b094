"""Photos sorted into folders: ``root/label/*.jpg``, ``root/split/label/*.jpg`` or ``root/label/split/*.jpg``.

Folders of persons may be around the labels or in them.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource, NothingFoundError
from pipeline.ingest.datasets.common.folders.folder_tree import Folder, read_tree
from pipeline.ingest.datasets.common.folders.label_folders import in_label, in_no_label
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver
from pipeline.ingest.datasets.common.missing_splits import validation_as_test, without_lone_split
from pipeline.ingest.datasets.folder.layout import LabelFolder, Layout, find_layout
from pipeline.ingest.datasets.folder.persons import IsLabel, names_split
from pipeline.ingest.label_names import matching_label, meant_label
from pipeline.ingest.split_names import split_named
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

MOST_NAMES = 6  # of folders in a message


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per file in a label folder, in path order. Subjects are known from folders of persons.

    A file in a label folder without the suffix of an image is excluded, and so is an image outside the label folders.
    Clutter (see ``clutter``) and folders without photos are counted in the notes.

    Raises:
        InputError: If no label folder holds an image.
    """
    passed = PassedOver()
    tree = read_tree(source.root, passed)
    is_label = partial(_may_be_label, source=source)
    layout = find_layout(tree, is_label, passed)
    _refuse_deeper_labels(layout, is_label)
    photos = [
        photo
        for label in layout.classes
        for photo in in_label(source.root, label.folder, label.label, label.split, partial(_subject, label))
    ]
    if not any(photo.status == Status.OK for photo in photos):
        own = f"; its own {len(tree.photos)} photos have no label: name the folder above it" if tree.photos else ""
        raise NothingFoundError(f"no photo under {source.root}: it must hold label/*.jpg or split/label/*.jpg{own}")
    source.notes.extend((*layout.notes, *passed.lines()))
    photos = validation_as_test(photos, source.root, source.notes)
    if all(photo.split == "train" for photo in photos):  # a split of test alone is probably a wrong ingest.root
        photos = without_lone_split(photos, source.root, source.notes)
    photos += [photo for parent in layout.parents for photo in in_no_label(source.root, parent)]
    return photos + [photo for beside in layout.beside for photo in _beside_splits(source.root, beside, is_label)]


def _may_be_label(name: str, source: DatasetSource) -> bool:
    known = matching_label(name, (*source.labels, *source.rename)) or meant_label(name, source.labels)
    return known is not None or name.isdecimal()


def _refuse_deeper_labels(layout: Layout, is_label: IsLabel) -> None:
    """Raise InputError if the folders in the place of labels are none, but hold some."""
    if any(is_label(label.label) for label in layout.classes):
        return
    for label in layout.classes:
        deeper = next((name for inner in label.folder.walk() for name in inner.folders if is_label(name)), None)
        if deeper:
            raise InputError(_describe_deeper_label(layout, label, deeper))


def _describe_deeper_label(layout: Layout, label: LabelFolder, deeper: str) -> str:
    around = label.folder.path.parent
    names = [other.label for other in layout.classes if other.folder.path.parent == around]
    splits = [name for name in names if split_named(name)]
    if splits:
        others = ", ".join(name for name in names if name not in splits)
        fix = "name them train, validation or test, or move them out of ingest.root"
        return f"{around} holds {', '.join(splits)}, and folders that are neither a split nor a label ({others}): {fix}"
    if any(names_split(name) for name in names):
        fix = "name these folders train, validation and test, one of each"
        return f"{around} holds the folders {', '.join(names[:MOST_NAMES])}, with labels ({deeper}) in them: {fix}"
    several = [other for other in layout.classes if any(deeper in inner.folders for inner in other.folder.walk())]
    as_splits = "name them train and test if they are that, or " * (len(several) > 1)
    fix = f"{as_splits}name the folder around the labels in ingest.root, such as {label.folder.path}"
    return f"{around} holds folders of no label ({label.label}), and labels deeper in them ({deeper}): {fix}"


def _beside_splits(root: Path, beside: Folder, is_label: IsLabel) -> Iterator[Photo]:
    for folder in beside.walk():
        if any(map(is_label, folder.path.relative_to(beside.path).parts)):
            yield from in_no_label(root, folder, f"{beside.name} is neither a split nor a label")
        else:
            yield from in_no_label(root, folder)


def _subject(label: LabelFolder, path: Path) -> str:
    inner = path.relative_to(label.folder.path).parts[:-1] if label.has_persons else ()
    return inner[0] if inner else label.subject
