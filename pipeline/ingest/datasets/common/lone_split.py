"""Handle a part of a public dataset that is there alone, such as AffectNet's ``train_set/`` without its ``val_set/``."""

from dataclasses import replace
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.runtime.status import Status


def without_lone_split(photos: list[Photo], root: Path, notes: list[str]) -> list[Photo]:
    """Take the split away from photos that all have the same split, so that splits are made from them.

    Args:
        photos: Photos of a dataset.
        root: ``ingest.root``, for the note.
        notes: Lines for the user, to which one is added.

    Returns:
        The photos, without splits if they had one split only.
    """
    splits = {photo.split for photo in photos if photo.status == Status.OK}
    if len(splits) != 1 or splits == {""}:
        return photos
    notes.append(
        f"{root} has {splits.pop()} photos alone: splits are made from them (ingest.test_fraction). For figures that "
        "compare with published figures, unpack the other part of the dataset there"
    )
    return [replace(photo, split="") for photo in photos]
