"""Copies of FER2013 and FERPlus that have the photos as image files, in folders of classes or listed with their labels."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common import class_folders
from pipeline.ingest.datasets.common.class_folders import ClassFolder
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.numbering import numbers_in
from pipeline.ingest.datasets.common.tree import Reader, Tree
from pipeline.ingest.datasets.csv import public
from pipeline.ingest.datasets.ferplus.labelled import note_original
from pipeline.ingest.datasets.ferplus.tables import ORIGINAL
from pipeline.ingest.datasets.ferplus.votes import VOTES
from pipeline.ingest.label_names import as_yaml, synonymous_label
from pipeline.runtime.errors import InputError

LABELS = dict(enumerate(VOTES))
CONTEMPT = "contempt"  # a class of FERPlus alone


def in_folders(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    """Return how to read a folder that holds folders of classes; None if it does not.

    Args:
        tree: The dataset.
        names: The classes of FER2013.
        folder: The folder.
    """
    ferplus = ClassNames(LABELS, names.rename)
    classes = class_folders.find(tree, folder, ferplus) or []
    has_contempt = any(each.label == CONTEMPT and not each.name.isdecimal() for each in classes)
    if has_contempt or {str(number) for number in range(8)} <= {each.name for each in classes}:
        return partial(_from_folders_of_ferplus, tree, ferplus, classes, folder)
    classes = class_folders.find(tree, folder, names) or []
    return partial(_from_folders, tree, names, classes, folder) if classes else None


def in_tables(source: DatasetSource, tree: Tree, names: ClassNames) -> list[Photo] | None:
    """List the photos of a copy that has a table of image files and labels; None if there is no table.

    Raises:
        InputError: If the table cannot be read, or numbers the classes of FERPlus.
    """
    listed = public.rows_of(source)
    if listed is None:
        return None
    labels = public.labels_of(photo for _, photo in listed)
    if _are_of_ferplus(labels):
        names = ClassNames(LABELS, names.rename)
        _note_ferplus(tree, Path(listed[0][0].rpartition(" line ")[0]), labels, names)
    else:
        note_original(tree, source.root)
    return public.labelled(listed, names, source.notes)


def _from_folders(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FER2013 in folders of classes."""
    note_original(tree, folder)
    return class_folders.photos_of(tree, classes, names)


def _from_folders_of_ferplus(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FERPlus in folders of classes."""
    _note_ferplus(tree, folder, [each.name for each in classes], names)
    return class_folders.photos_of(tree, classes, names)


def _are_of_ferplus(labels: Collection[str]) -> bool:
    """Whether labels are 8 numbers, from 0 to 7, or one means contempt, which FER2013 does not have."""
    return {0, 7} <= set(numbers_in(labels).values()) or any(synonymous_label(label, (CONTEMPT,)) for label in labels)


def _note_ferplus(tree: Tree, place: Path, labels: Collection[str], names: ClassNames) -> None:
    """Note that a copy has the classes of FERPlus.

    Raises:
        InputError: If they have numbers, of which ``ingest.rename`` does not name all.
    """
    numbers = numbers_in(labels)
    if numbers and not names.are_renamed(numbers):
        meanings = ({number: VOTES[number] for number in range(8)}, ORIGINAL | {7: CONTEMPT})
        ways = [as_yaml({str(number): label for number, label in meaning.items()}) for meaning in meanings]
        raise InputError(
            f"{place}: copies of FERPlus number its 8 classes in two ways: look at some photos, and write in params.yaml "
            f"ingest.rename: {ways[0]}, or ingest.rename: {ways[1]}"
        )
    tree.notes.append(f"{place} has 8 classes: the labels are those of a copy of FERPlus, not of FER2013")
