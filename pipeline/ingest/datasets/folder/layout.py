"""Recognise which folders of a tree are splits and which are labels."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.ingest.datasets.common.folders.folder_tree import Folder
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver
from pipeline.ingest.datasets.folder.persons import (
    IsLabel,
    are_around_labels,
    are_parts,
    are_same_around_labels,
    hold_persons,
)
from pipeline.ingest.datasets.folder.wrappers import relevant_in, unwrap
from pipeline.ingest.split_names import split_named, splits_of
from pipeline.runtime.errors import InputError

MOST_NAMES = 3  # of folders in a note


@dataclass(frozen=True)
class LabelFolder:
    """A folder that holds the photos of one label.

    Attributes:
        split: The split of the photos; empty if it is not known.
        label: The label as the folder's name gives it.
        folder: The folder, or the folder of a split in it.
        subject: The person of all its photos; empty if it is not known.
        has_persons: Whether its inner folders are named after persons.
    """

    split: str
    label: str
    folder: Folder
    subject: str = ""
    has_persons: bool = False


@dataclass
class Layout:
    """The label folders of a tree.

    Attributes:
        classes: The folders that hold the photos of one label.
        parents: The folders around the label folders. Images directly in them have no label.
        beside: The folders beside the splits that are neither a split nor a label.
        notes: Sentences on a layout that a user may not expect.
    """

    classes: list[LabelFolder] = field(default_factory=list)
    parents: list[Folder] = field(default_factory=list)
    beside: list[Folder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_layout(tree: Folder, is_label: IsLabel, passed: PassedOver) -> Layout:
    """Find the layout of a tree: ``label``, ``split/label`` or ``label/split``, perhaps inside a folder that wraps it.

    Between them may be folders of persons (see ``persons``).

    Args:
        tree: The dataset's folder.
        is_label: Recognises the names of labels.
        passed: Counts the folders without photos that are neither a split nor a label.

    Raises:
        InputError: If some labels hold folders of splits and others do not.
    """
    wrappers = unwrap(tree, "", is_label)
    layout = Layout(parents=wrappers)
    if len(wrappers) > 1:
        layout.notes.append(f"all photos are in {wrappers[-1].path}, so it counts as the root")
    folders = relevant_in(wrappers, is_label, passed)
    named = splits_of(folder.name for folder in folders)
    splits = {folder: named[folder.name] for folder in folders if folder.name in named}
    others = [folder for folder in folders if folder not in splits]
    if splits and (not others or _are_beside(splits.values(), others, is_label)):
        inner = {folder: unwrap(folder, split, is_label) for folder, split in splits.items()}
        inside = {folder: relevant_in(wrappers, is_label, passed) for folder, wrappers in inner.items()}
        are_alike = are_same_around_labels(list(inside.values()), is_label)
        for folder, split in splits.items():
            layout.parents += inner[folder]
            _add_labels(layout, inside[folder], split, is_label, passed, are_parts_of_splits=are_alike)
        layout.beside = others
    elif any(is_label(folder.name) for folder in folders) and _hold_splits(folders):
        layout.notes.append("each label's folder holds folders of splits")
        layout.parents += folders
        for outer, part in ((label, part) for label in folders for part in label.folders.values()):
            if split_named(part.name):
                layout.classes.append(LabelFolder(split_named(part.name), outer.name, part))
            else:
                layout.parents += part.walk()
    else:
        _add_labels(layout, folders, "", is_label, passed)
    return layout


def _add_labels(
    layout: Layout,
    folders: list[Folder],
    split: str,
    is_label: IsLabel,
    passed: PassedOver,
    *,
    are_parts_of_splits: bool = False,
) -> None:
    """Add the label folders of a split. They may lie in folders of persons or parts, and hold folders of persons."""
    if not are_around_labels(folders, is_label) and not are_parts_of_splits:
        has_persons = hold_persons(folders)
        layout.classes += [LabelFolder(split, folder.name, folder, has_persons=has_persons) for folder in folders]
        if has_persons:
            layout.notes.append(f"the folders in the label folders, such as in {folders[0].path}, are taken as subjects")
        return
    are_only_parts = are_parts_of_splits or are_parts(folders)
    for folder in folders:
        subject = "" if are_only_parts else folder.name
        labels = relevant_in([folder], is_label, passed)
        layout.classes += [LabelFolder(split, label.name, label, subject) for label in labels]
    layout.parents += folders
    names = [folder.name for folder in folders]
    listed = ", ".join(names[:MOST_NAMES] + ["..."] * (len(names) > MOST_NAMES))
    if are_only_parts:
        fix = "" if split else ": to test on one of them, name it test, and put the others into a folder train"
        note = f"the photos in {listed} are taken together, as parts of one dataset{fix}"
        layout.notes.extend([note] * (note not in layout.notes))
    else:
        layout.notes.append(
            f"the {len(names)} folders around the labels in {folders[0].path.parent} ({listed}) are taken as subjects"
        )


def _are_beside(splits: Iterable[str], others: list[Folder], is_label: IsLabel) -> bool:
    """Whether the others only lie beside the splits: there are several splits, and no other is a label."""
    return len(set(splits)) > 1 and not any(is_label(folder.name) for folder in others)


def _hold_splits(labels: list[Folder]) -> bool:
    """Whether every label's folder with photos holds folders that are named as splits, and there are several splits.

    Raises:
        InputError: If there are several, but a label's folder holds none.
    """
    labels = [label for label in labels if label.has_photos]
    splits = [{split_named(inner.name) for inner in label.folders.values()} - {""} for label in labels]
    if len(set().union(*splits)) < 2:
        return False
    for label, its in zip(labels, splits, strict=True):
        if not its:
            fix = "sort its photos into such folders, too, or take the folders of splits away"
            problem = f"{label.path} holds no folder of a split, but other labels do ({', '.join(max(splits))})"
            raise InputError(f"{problem}: {fix}")
    return True
