"""Take the splits of a table's photos from other tables, which are named after splits (``train.csv``, ``test.csv``)."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.csv.columns import guess_image
from pipeline.ingest.datasets.csv.folder_tables import Table
from pipeline.ingest.datasets.csv.photos_below import PhotosBelow
from pipeline.ingest.datasets.csv.row_photos import Places
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

Rows = list[tuple[str, Photo]]  # file and line, and photo


def with_splits_of(tables: Sequence[Table], listed: Rows, below: PhotosBelow, notes: list[str]) -> Rows:
    """Give photos without splits those of the tables that name them.

    Args:
        tables: The tables of splits.
        listed: The rows of the table that has the labels.
        below: The photos of the dataset.
        notes: Lines for the user, to which one is added.

    Returns:
        The rows. They are as they were if they have splits, or if the tables are not of several splits or name other photos.
        Then a line says that the tables are not read.

    Raises:
        InputError: If the tables name some of the photos alone, or one in several splits.
    """
    usable = [(where, photo) for where, photo in listed if photo.status == Status.OK]
    splits: dict[str, set[str]] = defaultdict(set)
    if len({table.split for table in tables}) > 1 and not any(photo.split for _, photo in usable):
        for table in tables:
            for path in _paths_in(table, below.without_notes()):
                splits[path].add(table.split)
    names = " and ".join(table.path.name for table in tables)
    if not any(_key(photo.path) in splits for _, photo in usable):
        notes.extend([f"not read: {names}"] * bool(tables))
        return listed
    for where, photo in usable:
        if len(splits[_key(photo.path)]) != 1:
            problem = "name it several times" if splits[_key(photo.path)] else "do not name it"
            fix = "name every photo in one of them, or move these tables out of ingest.root"
            raise InputError(f"{where}: {photo.id} has no split, and {names} {problem}: {fix}")
    notes.append(f"the splits are those of {names}")
    return [(where, replace(photo, split=min(splits.get(_key(photo.path), ()), default=""))) for where, photo in listed]


def _paths_in(table: Table, below: PhotosBelow) -> list[str]:
    """The paths of the photos that a table names, each as ``_key`` writes it."""
    places = Places(table.path.parent, table.path, below)
    lines = rows(table.path, filled=("image",), guess=guess_image)
    paths = []
    for _, row in lines:
        try:
            paths.append(_key(places.find(row["image"], table.split).as_posix()))
        except ValueError:  # a photo of this name elsewhere
            continue
    return paths


def _key(path: str) -> str:
    """The path without ``..``, by which a photo is the same for tables in different folders."""
    return os.path.normpath(path)
