"""Complete the splits of a dataset that lacks some, such as AffectNet's ``train_set/`` without its ``val_set/``."""

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


def validation_as_test(photos: list[Photo], root: Path, notes: list[str]) -> list[Photo]:
    """Make test photos of the validation photos, if a dataset has these and training photos alone, as papers do.

    Args:
        photos: Photos of a dataset.
        root: ``ingest.root``, for the note.
        notes: Lines for the user, to which one is added.

    Returns:
        The photos. Ingest then takes a validation split out of the training photos.
    """
    if {photo.split for photo in photos if photo.status == Status.OK} != {"train", "validation"}:
        return photos
    has = "no test photos that can be used" if any(photo.split == "test" for photo in photos) else "no test split"
    notes.append(f"{root} has {has}: its validation photos serve as test photos")
    return [replace(photo, split="test") if photo.split == "validation" else photo for photo in photos]
