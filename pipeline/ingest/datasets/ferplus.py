"""FERPlus: the votes in ``fer2013new.csv`` and the 48 x 48 grey pixels in ``fer2013.csv``."""

from pathlib import Path

import cv2
import numpy as np

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.csv_rows import rows
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
LABELS = dict(enumerate(VOTES))
SPLIT_OF_USAGE = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
SIDE = 48  # pixels


def read(source: DatasetSource) -> list[Photo]:
    """Write every row's pixels as a PNG file and list it as a photo.

    The label is the class with most votes. A photo with a tie is excluded.

    Raises:
        InputError: If the two tables do not belong together, or a row cannot be read.
    """
    pixels_csv, votes_csv = source.root / "fer2013.csv", source.root / "fer2013new.csv"
    pixels = rows(pixels_csv, filled=("pixels", "Usage"))
    votes = rows(votes_csv, filled=("Usage",), present=VOTES)
    if len(pixels) != len(votes):
        raise InputError(f"{votes_csv} has {len(votes)} rows, {pixels_csv} {len(pixels)}: take both from one release")
    photos = []
    pairs = progress(zip(pixels, votes, strict=True), total=len(pixels), title="ingest", unit="photos")
    for number, ((image_line, image), (vote_line, vote)) in enumerate(pairs):
        if vote["Usage"] != image["Usage"] or vote["Usage"] not in SPLIT_OF_USAGE:
            raise InputError(f"{vote_line}: Usage {vote['Usage']!r} does not match {image_line}: restore the files")
        name = f"fer{number:07d}"
        path = source.photos / f"{name}.png"
        _write_png(path, image["pixels"], image_line)
        label, tie = _majority(vote, vote_line)
        status, reason = (Status.EXCLUDED, "votes tie") if tie else (Status.OK, "")
        photos.append(Photo(name, path.as_posix(), label, SPLIT_OF_USAGE[vote["Usage"]], "", status, reason))
    return photos


def _write_png(path: Path, text: str, where: str) -> None:
    try:
        pixels = np.array(text.split(), dtype=np.uint8).reshape(SIDE, SIDE)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{where}: expected {SIDE * SIDE} pixels of 0 to 255: restore the file") from error
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def _majority(row: dict[str, str], where: str) -> tuple[str, bool]:
    """The class with most votes, and whether another class has as many votes."""
    try:
        counts = [int(row[name]) for name in VOTES]
    except ValueError as error:
        raise InputError(f"{where}: expected a number of votes for each of {', '.join(VOTES)}") from error
    return VOTES[int(np.argmax(counts))], counts.count(max(counts)) > 1
