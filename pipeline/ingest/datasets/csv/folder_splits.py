"""Take the splits of photos from the folders in which they lie, if the table gives none."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets.csv.photos_below import split_around
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status


def with_splits_of_folders(rows: Sequence[tuple[str, Photo]], notes: list[str]) -> list[Photo]:
    """Take the splits from the photos' folders, if no row has a split and the folders name several.

    Folders around all photos count for nothing. A row whose photo does not exist is unreadable, unless its folder tells.

    Args:
        rows: File and line, and photo, of each row.
        notes: Lines for the user, to which one is added.

    Returns:
        The photos.

    Raises:
        InputError: If some photos lie in folders of splits and others do not.
    """
    photos = [photo for _, photo in rows]
    usable = [(where, photo) for where, photo in rows if photo.status == Status.OK]
    if not usable or any(photo.split for photo in photos):
        return photos
    existing = [(where, photo) for where, photo in usable if _exists(photo)] or usable
    common = _common_folder([photo.path for _, photo in existing])
    splits = {photo.path: _split_below(common, photo) for _, photo in existing}
    named = {split: path for path, split in splits.items() if split}
    if len(named) < 2:
        return photos
    for where, photo in existing:
        if not splits[photo.path]:
            others = f"{photo.id} is in no folder of a split, but other photos are, such as {min(named.values())}"
            raise InputError(f"{where}: {others}: give the table a column split, or move the photo into a folder of a split")
    notes.append("the table gives no splits: those of the photos' folders are taken")
    return [_with_split(photo, splits.get(photo.path) or _split_below(common, photo)) for photo in photos]


def missing_lines(photos: Sequence[Photo]) -> list[str]:
    """Say which splits have no photo that exists, where others have; no line if all have."""
    usable = [photo for photo in photos if photo.status in (Status.OK, Status.UNREADABLE)]
    of_split = {split: [photo for photo in usable if photo.split == split] for split in SPLITS}
    exist = {split: any(map(_exists, its)) for split, its in of_split.items() if its}
    return [
        f"none of the {len(its):,} {split} photos exists, e.g. {its[0].path}: {its[0].reason or 'unpack them there'}"
        for split, its in of_split.items()
        if its and not exist[split] and any(exist.values())
    ]


def _with_split(photo: Photo, split: str) -> Photo:
    if split or photo.status != Status.OK:
        return replace(photo, split=split)
    return replace(photo, status=Status.UNREADABLE, reason="there is no photo of this path")


def _common_folder(paths: Sequence[str]) -> str:
    """The innermost folder around all photos; empty if they are on several drives."""
    try:
        return os.path.commonpath([os.path.abspath(Path(path).parent) for path in paths])  # noqa: PTH100
    except ValueError:
        return ""


def _split_below(folder: str, photo: Photo) -> str:
    """The split of the innermost folder that is named after one, below a folder."""
    return split_around(Path(os.path.relpath(photo.path, folder) if folder else photo.path))


def _exists(photo: Photo) -> bool:
    return photo.status == Status.OK and os.path.exists(photo.path)  # noqa: PTH110 (Path.exists raises for odd names)
