"""Copies of FER2013 and FERPlus that have the photos as image files, in folders of classes or listed with their labels."""

from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders import class_folders
from pipeline.ingest.datasets.common.folders.class_folders import ClassFolder
from pipeline.ingest.datasets.common.folders.tree import Reader, Tree
from pipeline.ingest.datasets.csv import public
from pipeline.ingest.datasets.ferplus.classes import CONTEMPT, LABELS, names_for, note_ferplus
from pipeline.ingest.datasets.ferplus.labelled import note_original


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
    table = Path(listed[0][0].rpartition(" line ")[0])
    names = names_for(tree, table, public.labels_of(photo for _, photo in listed), names)
    return public.labelled(listed, names, source.notes)


def _from_folders(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FER2013 in folders of classes."""
    note_original(tree, folder)
    return class_folders.photos_of(tree, classes, names)


def _from_folders_of_ferplus(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FERPlus in folders of classes."""
    note_ferplus(tree, folder, [each.name for each in classes], names)
    return class_folders.photos_of(tree, classes, names)
