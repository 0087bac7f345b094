"""``manifest.csv``, the table that stage ingest writes: one row per photo.

No row is ever dropped: a photo that is left out keeps its row, with the reason.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.faces.boxes import Box, format_box, parse_box
from pipeline.faces.tables import Codec, column, read_table, write_table
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

EXAMPLES = 10  # photos by which the workers of a cluster are asked what they see
SPLITS = ("train", "validation", "test")
BOX = Codec(lambda text: parse_box(text) if text else None, lambda box: format_box(box) if box else "")


@dataclass(frozen=True, slots=True)  # a million of them fit in memory
class Photo:
    """A photo as the dataset describes it.

    Attributes:
        id: Unique in the dataset. A photo with several faces has several rows.
        path: Path of the file, absolute or relative to the working directory.
        label: Name of the expression.
        split: One of SPLITS; empty until the splits are made.
        subject: Name of the person; empty if unknown.
        status: "ok", "excluded", or "unreadable" if the dataset names no file that can be read.
        reason: Why the photo is excluded or unreadable; otherwise empty.
        aus: The action units that moved, as text (see ``pipeline.faces.moved_aus``); empty if unknown.
        sha256: Digest of the file as hexadecimal text; empty if the file could not be read.
        box: The face (left, top, right, bottom) in pixels of the upright photo, as the dataset gives it; None if a detector
            has to find the face.
    """

    id: str
    path: str
    label: str
    split: str
    subject: str
    status: str = Status.OK.value
    reason: str = ""
    aus: str = ""
    sha256: str = ""
    box: Box | None = column(BOX, None)  # noqa: RUF009 (column returns a dataclass field)


def for_cluster(photos: Sequence[Photo]) -> tuple[list[Photo], list[str]]:
    """Prepare photos for workers that run in other folders.

    Returns:
        The photos with absolute paths; and the paths of a few photos that exist here, spread over all, by which a worker can
        be asked whether it sees the same files.
    """
    absolute = [replace(photo, path=os.path.abspath(photo.path)) for photo in photos]  # noqa: PTH100 (links stay)
    some = absolute[:: max(1, len(absolute) // EXAMPLES)]
    return absolute, [photo.path for photo in some if photo.sha256 and Path(photo.path).is_file()]


_FIXES = {  # of an empty split
    "train": "give more photos or subjects, or lower the ingest fractions",
    "validation": "give more training photos or subjects, or raise ingest.validation_fraction",
    "test": "name a part of the dataset test; if the dataset has no splits at all, give more photos or subjects, or raise "
    "ingest.test_fraction",
}


def check(photos: list[Photo]) -> None:
    """Check the rows of a manifest.

    Raises:
        InputError: If two photos have the same id, a path is not valid UTF-8, or a split has no usable photo.
    """
    seen = set()
    for photo in photos:
        if photo.id in seen:
            raise InputError(f"two photos have the id {photo.id!r}: name each photo once")
        seen.add(photo.id)
        # Surrogates stand for bytes that are not UTF-8.
        if any("\ud800" <= character <= "\udfff" for character in photo.path):
            raise InputError(f"the file name {photo.path!a} is not valid UTF-8 text: rename the file")
    for split in SPLITS:
        if not any(photo.split == split and photo.status == Status.OK for photo in photos):
            raise InputError(f"the {split} split is empty: {_FIXES[split]}")


def write(path: Path, photos: list[Photo]) -> None:
    """Check the rows (see ``check``) and write the manifest atomically."""
    check(photos)
    write_table(path, Photo, photos)


def read(path: Path) -> list[Photo]:
    """Read the manifest that ``aucue ingest`` wrote.

    Raises:
        InputError: If the file is missing or malformed; the message names the command that writes it.
    """
    return read_table(path, Photo, made_by="ingest")
