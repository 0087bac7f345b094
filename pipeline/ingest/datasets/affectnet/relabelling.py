"""Correct the labels of photos in folders of classes by a table beside them, as a copy of AffectNet has it.

``labels.csv`` has the columns ``pth`` (``anger/image0000006.jpg``) and ``label``. Its labels were cleaned; the photos stayed
in the folders of their earlier labels.
"""

from collections import Counter
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.affectnet.numbers import refuse_numbers_from_1
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.photo_list import PhotoList

PATH, LABEL = "pth", "label"


def relabel(photos: list[Photo], table: Path, names: ClassNames, notes: list[str]) -> list[Photo]:
    """Give photos the labels of a table.

    Args:
        photos: Photos in folders of classes.
        table: The table. It names a photo by its folder and its name.
        names: The dataset's classes.
        notes: Lines for the user, to which one is added.

    Returns:
        The photos. A photo that the table does not name keeps the label of its folder.

    Raises:
        InputError: If the table cannot be read, numbers the classes otherwise, or most of its labels are unknown.
    """
    labels = {_key(row[PATH]): (where, row[LABEL]) for where, row in rows(table, filled=(PATH, LABEL))}
    refuse_numbers_from_1(table, "labels", {label for _, label in labels.values()}, names)
    keys = [_key(photo.path) for photo in photos]
    copies = Counter(keys)
    relabelled, changed = PhotoList(), 0
    for key, photo in zip(keys, photos, strict=True):
        # A test photo may have the folder and the name of another train photo. The table is about the train photo.
        if key not in labels or (copies[key] > 1 and photo.split != "train"):
            relabelled.add(photo)
            continue
        where, label = labels[key]
        try:
            name = names.name_of(label)
        except ValueError as error:
            relabelled.add_unusable(photo, where, error)
            continue
        changed += name != photo.label
        relabelled.add_labelled(photo, name)
    unused = f"; {len(labels.keys() - set(keys)):,} of its rows belong to no photo" if labels.keys() - set(keys) else ""
    notes.append(f"{table}: gives {changed:,} photos another label than their folder{unused}")
    return relabelled.finish()


def _key(path: str) -> tuple[str, ...]:
    """The folder and the name of a photo."""
    return tuple(path.replace("\\", "/").casefold().split("/")[-2:])
