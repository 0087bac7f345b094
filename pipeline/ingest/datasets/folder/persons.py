"""Recognise folders of persons, and of parts of a dataset, around or inside label folders."""

import re
from collections.abc import Callable, Sequence

from pipeline.ingest.datasets.common.folders.folder_tree import Folder
from pipeline.ingest.split_names import split_named

IsLabel = Callable[[str], bool]  # whether the name of a folder may be that of a label

PERSON = re.compile(r"(?:subject|subj|sub|person|participant|actor|speaker|id|s|p)[\s_-]*\d+", re.IGNORECASE)
PART = re.compile(  # or a date
    r"(?:k?[\s_-]*folds?|cv|part|split|batch|set|chunk|vol|volume|archive)[\s_-]*\d+|\d{4}[_.-]\d\d[_.-]\d\d",
    re.IGNORECASE,
)
FEWEST_NAMES = 3  # of folders that may be persons (anna, ben, carl) without a number; two may well be two datasets


def are_around_labels(folders: Sequence[Folder], is_label: IsLabel) -> bool:
    """Return whether folders are persons, or parts of the dataset: no splits, no labels, with label folders alone in them.

    A number is a person if named labels are in it (``01/happy``).
    """
    names = [folder.name for folder in folders]
    if len(names) < (2 if all(map(_has_number, names)) else FEWEST_NAMES) or any(map(names_split, names)):
        return False
    are_numbered = all(PERSON.fullmatch(name) or PART.fullmatch(name) for name in names)
    return _hold_labels_alone(folders, is_label, may_be_numbers=are_numbered)


def are_same_around_labels(of_splits: Sequence[Sequence[Folder]], is_label: IsLabel) -> bool:
    """Return whether all splits have the same folders around labels (``train/Male`` and ``test/Male``), which are parts."""
    names = [{folder.name for folder in folders} for folders in of_splits]
    return (
        len(names) > 1
        and len(names[0]) > 1
        and all(other == names[0] for other in names)
        and all(_hold_labels_alone(folders, is_label) for folders in of_splits)
    )


def _hold_labels_alone(folders: Sequence[Folder], is_label: IsLabel, *, may_be_numbers: bool = False) -> bool:
    """Whether folders that are no labels hold folders of labels alone."""
    inside = [inner for folder in folders for inner in folder.folders.values() if inner.has_photos]
    return (
        not any(folder.photos or (is_label(folder.name) and not folder.name.isdecimal()) for folder in folders)
        and any(inside)
        and all(is_label(inner.name) and (may_be_numbers or not inner.name.isdecimal()) for inner in inside)
    )


def are_parts(folders: Sequence[Folder]) -> bool:
    """Return whether folders have names of parts of a dataset, such as the folds of a cross-validation."""
    return all(PART.fullmatch(folder.name) for folder in folders)


def hold_persons(labels: Sequence[Folder]) -> bool:
    """Return whether all photos in label folders lie in folders that are named as persons are (``happy/subject01``)."""
    inside = [inner for label in labels for inner in label.folders.values() if inner.has_photos]
    is_loose = any(label.photos for label in labels)
    return bool(inside) and not is_loose and all(PERSON.fullmatch(inner.name) for inner in inside)


def names_split(name: str) -> bool:
    """Return whether a word in a folder's name is that of a split."""
    return any(split_named(word) for word in re.findall(r"[^\W\d_]+", name))


def _has_number(name: str) -> bool:
    return any(letter.isdecimal() for letter in name)
