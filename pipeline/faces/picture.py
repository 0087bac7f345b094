"""The upright pixels of a photo, decoded when they are needed and no larger than needed.

A photo of more than WHOLE pixels is seen reduced: 2, 4 or 8 times smaller, as far as a search or a crop allows. A pixel of
a picture that is reduced k times stands for a square of k x k pixels of the photo, so that boxes are divided by k. A JPEG is
decoded at the reduced size, which takes a fraction of the time and the memory. Photos of other formats, and pictures that
are in memory, are averaged over these squares.

If k does not divide a side, the last squares of a JPEG are cut off where the stored picture ends. In a photo that is turned
upright, this end may be the left or the top: then places are k - 1 pixels of the photo off at most, less than 1 % of the
distance between the eyes.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from pipeline.faces.decoding import decode_opened, read_bytes
from pipeline.faces.headers import MAX_PIXELS, open_header

WHOLE = 1024  # pixels of the longer side, up to which a photo is always decoded whole: that takes a few milliseconds
REDUCTIONS = (8, 4, 2)  # those of libjpeg


class Picture:
    """A photo whose pixels are in memory."""

    def __init__(self, image: np.ndarray) -> None:
        """Take an upright photo (h, w, 3) uint8 RGB."""
        self.longer = max(image.shape[:2])  # pixels of the longer side
        self._rgb: dict[int, np.ndarray] = {1: image}  # by reduction
        self._grey: dict[int, np.ndarray] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photo in pixels."""
        height, width = self.rgb(1).shape[:2]
        return width, height

    def reduction(self, length: float, needed: float) -> int:
        """Return how many times the photo may be reduced so that a length of it, in pixels, keeps the needed pixels."""
        if self.longer <= WHOLE:
            return 1
        return next((times for times in REDUCTIONS if length / times >= needed), 1)

    def rgb(self, reduction: int) -> np.ndarray:
        """Return the photo, reduced: (h, w, 3) uint8 RGB. It is kept for further calls."""
        if reduction not in self._rgb:
            self._rgb[reduction] = self._reduced(reduction)
        return self._rgb[reduction]

    def grey(self, reduction: int) -> np.ndarray:
        """Return the photo, reduced and in grey: (h, w) uint8. It is kept for further calls."""
        if reduction not in self._grey:
            self._grey[reduction] = cv2.cvtColor(self.rgb(reduction), cv2.COLOR_RGB2GRAY)
        return self._grey[reduction]

    def _reduced(self, reduction: int) -> np.ndarray:
        width, height = (max(1, length // reduction) for length in self.size)
        squares = self.rgb(1)[: height * reduction, : width * reduction]
        return cv2.resize(squares, (width, height), interpolation=cv2.INTER_AREA)


class JpegPicture(Picture):
    """A large JPEG, whose pixels are decoded at the size that is asked for."""

    def __init__(self, header: ImageFile, encoded: bytes) -> None:
        """Take the content of a file and its parsed header."""
        self.longer = max(header.size)
        self._stored_size, self._encoded = header.size, encoded
        self._rgb, self._grey = {}, {}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photo in pixels, which change places if the decoder turned the photo by 90 degrees."""
        if not self._rgb:
            self.rgb(REDUCTIONS[0])
        height, width = next(iter(self._rgb.values())).shape[:2]
        shorter, longer = sorted(self._stored_size)
        if height == width and shorter != longer:  # only the whole photo tells which side is longer
            height, width = self.rgb(1).shape[:2]
        return (shorter, longer) if width < height else (longer, shorter)

    def _reduced(self, reduction: int) -> np.ndarray:
        return decode_opened(open_header(self._encoded), self._encoded, reduction)


def read_picture(path: str | Path, sha256: str = "", max_pixels: int = MAX_PIXELS) -> Picture:
    """Read an image file. A large JPEG is decoded later, so that only then its damage is found.

    Args:
        path: The file.
        sha256: Digest that the file must have, as hexadecimal text; empty for any file.
        max_pixels: Largest width times height that is decoded.

    Returns:
        The photo, turned upright by its EXIF orientation.

    Raises:
        PhotoTooLargeError: If the photo has more than ``max_pixels`` pixels, or the file too many bytes.
        UnreadablePhotoError: If the file cannot be read or decoded, or has another digest.
    """
    encoded = read_bytes(path, sha256)
    header = open_header(encoded, max_pixels)
    if isinstance(header, JpegImageFile) and max(header.size) > WHOLE:
        return JpegPicture(header, encoded)
    return Picture(decode_opened(header, encoded))
