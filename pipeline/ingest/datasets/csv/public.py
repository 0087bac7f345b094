"""Read copies of public datasets that list their photos in tables, as the dataset ``csv`` does."""

from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets import csv as listed
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.csv.tables import tables_below
from pipeline.runtime.status import Status


def photos_of(source: DatasetSource, names: ClassNames) -> list[Photo] | None:
    """List the photos in the order of the tables (see ``csv.tables``), with the labels of a public dataset.

    Args:
        source: The dataset.
        names: Its classes.

    Returns:
        The photos; None if there is no table.

    Raises:
        InputError: If a table cannot be read, or most rows cannot be used.
    """
    if not tables_below(source.root):
        return None
    photos = PhotoList()
    for photo in listed.read(source):
        if photo.status != Status.OK:
            photos.add(photo)
            continue
        try:
            photos.add(replace(photo, label=names.name_of(photo.label)))
        except ValueError as error:
            photos.add_unusable(photo, photo.id, error)
    return photos.finish()
