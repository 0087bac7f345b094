"""Photos of 12 megapixels, made of the photos at hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipeline.faces.decoding import read_rgb
from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.outputs.files import file_digest

SIZE = (4000, 3000)  # pixels of a phone's photo
SHARES = (1.0, 0.5, 0.25)  # of the large photo's longer side, that the given photo takes
QUALITY = 90  # of the JPEG, as of phones
ORIENTATION = 0x0112  # EXIF tag
TURNS = (None, *(Image.Transpose(number) for number in (0, 3, 1, 5, 2, 6, 4)))  # each undoes the turn of the tags 1 to 8


def make_large_photos(photos: Sequence[Photo], number: int, folder: Path) -> list[Photo]:
    """Enlarge photos and place them on a plain ground, in turn by SHARES and by the eight turns of EXIF.

    Args:
        photos: Photos to enlarge; repeated if there are fewer than ``number``.
        number: Number of photos to make.
        folder: Folder to make for them.

    Returns:
        Their rows, each with an id of its own and no box.
    """
    folder.mkdir(parents=True)
    rows = []
    for index in range(number):
        source, path = photos[index % len(photos)], folder / f"{index:07d}.jpg"
        _write_turned(path, _enlarged(read_rgb(source.path), SHARES[index % len(SHARES)]), index % len(TURNS) + 1)
        split = SPLITS[index % len(SPLITS)]
        rows.append(replace(source, id=path.stem, path=str(path), split=split, sha256=file_digest(path), box=None))
    return rows


def _enlarged(image: np.ndarray, share: float) -> np.ndarray:
    """A photo (h, w, 3) enlarged to a share of a large one, in the middle of a grey ground."""
    height, width = image.shape[:2]
    size = SIZE if width >= height else SIZE[::-1]
    scale = share * min(size[0] / width, size[1] / height)
    portrait = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    ground = np.full((size[1], size[0], 3), 128, np.uint8)
    top, left = ((length - part) // 2 for length, part in zip(ground.shape, portrait.shape[:2], strict=False))
    ground[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return ground


def _write_turned(path: Path, image: np.ndarray, orientation: int) -> None:
    stored, turn, exif = Image.fromarray(image), TURNS[orientation - 1], Image.Exif()
    exif[ORIENTATION] = orientation
    (stored if turn is None else stored.transpose(turn)).save(path, "JPEG", quality=QUALITY, exif=exif)
