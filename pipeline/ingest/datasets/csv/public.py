"""Read copies of public datasets that list their photos in tables, as the dataset ``csv`` does."""

from collections.abc import Iterable
from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets import csv as listed
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.numbering import describe_numbers
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.csv.tables import note_tables, tables_below
from pipeline.runtime.status import Status

Rows = list[tuple[str, Photo]]  # file and line, and photo


def rows_of(source: DatasetSource) -> Rows | None:
    """List the rows of the tables (see ``csv.tables``), with the labels as they are written.

    Returns:
        File and line, and photo, of each row; None if there is no table of photos and labels.

    Raises:
        InputError: If a table cannot be read, or several may be meant.
    """
    tree = Tree(source.root, source.notes)
    tables = tables_below(tree)
    if tables is None:
        return None
    note_tables(tree, tables)
    return listed.rows_of(source, tables)


def photos_of(source: DatasetSource, names: ClassNames) -> list[Photo] | None:
    """List the photos of the tables, with the labels of a public dataset (see ``rows_of`` and ``labelled``)."""
    rows = rows_of(source)
    return None if rows is None else labelled(rows, names, source.notes)


def labelled(rows: Rows, names: ClassNames, notes: list[str]) -> list[Photo]:
    """Give photos the labels of a public dataset.

    Args:
        rows: File and line, and photo, of each row.
        names: The classes of the dataset.
        notes: Lines for the user, to which the meaning of numbers is added.

    Raises:
        InputError: If most rows cannot be used, or the table numbers the classes otherwise.
    """
    photos = PhotoList()
    for where, photo in rows:
        if photo.status != Status.OK:
            photos.add(photo)
            continue
        try:
            photos.add(replace(photo, label=names.name_of(photo.label)))
        except ValueError as error:
            photos.add_unusable(photo, where, error)
    usable = photos.finish()
    of_training = labels_of(photo for _, photo in rows if photo.split in ("train", ""))
    table = rows[0][0].rpartition(" line ")[0]
    notes.extend(describe_numbers(table, "labels", labels_of(photo for _, photo in rows), of_training, names))
    return usable


def labels_of(photos: Iterable[Photo]) -> set[str]:
    """Return the labels of the photos that can be used."""
    return {photo.label for photo in photos if photo.status == Status.OK}
