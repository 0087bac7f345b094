"""One row per photo, from first to last. Nothing is dropped: a photo that drops out keeps its row, with the reason."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.faces.boxes import Box, format_box, parse_box
from pipeline.faces.tables import Codec, column, read_table, write_table
from pipeline.runtime.errors import InputError

SPLITS = ("train", "validation", "test")
BOX = Codec(lambda text: parse_box(text) if text else None, lambda box: format_box(box) if box else "")


@dataclass(frozen=True)
class Photo:
    """A photo as the dataset describes it.

    ``id`` is unique in the dataset; ``path`` is relative to the working directory or absolute; ``label`` is the
    expression's name; ``split`` is one of SPLITS, or empty until one is made; ``subject`` names the person, or is empty
    where that is not known. ``status`` is "ok" or "excluded" (then ``reason`` says why). ``aus`` holds, where known,
    the action units and their intensity at the subject's right and left side, as ``12=0.9/1.1 25=0.7/0.7``. ``sha256`` is
    that of the file, or empty where it could not be read. ``box`` is the face's (left, top, right, bottom) in pixels of the
    upright photo, where the dataset gives one; None where a detector has to find it.
    """

    id: str
    path: str
    label: str
    split: str
    subject: str
    status: str = "ok"
    reason: str = ""
    aus: str = ""
    sha256: str = ""
    box: Box | None = column(BOX, None)


_EMPTY = {
    "train": "give more photos or subjects, or lower the ingest fractions",
    "validation": "give more training photos or subjects, or raise ingest.validation_fraction",
    "test": "name a part of the dataset test; where it has no splits at all, give more photos or subjects, or raise "
    "ingest.test_fraction",
}


def check(photos: list[Photo]) -> None:
    """Raises InputError for a duplicate id, a path that is no text, or a split that would be empty."""
    seen = set()
    for photo in photos:
        if photo.id in seen:
            raise InputError(f"two photos have the id {photo.id!r}: name each photo once")
        seen.add(photo.id)
        if any("\ud800" <= character <= "\udfff" for character in photo.path):  # bytes that are no UTF-8
            raise InputError(f"the file name {ascii(photo.path)} is not valid UTF-8 text: rename the file")
    for split in SPLITS:
        if not any(photo.split == split and photo.status == "ok" for photo in photos):
            raise InputError(f"the {split} split is empty: {_EMPTY[split]}")


def write(path: Path, photos: list[Photo]) -> None:
    """Check and write the manifest."""
    check(photos)
    write_table(path, Photo, photos)


def read(path: Path) -> list[Photo]:
    """Read the manifest that ``aucue ingest`` wrote."""
    return read_table(path, Photo, made_by="ingest")
