"""Parse the headers of image files, and turn damage into one line of text.

Pillow parses the header, so that the size is known before any memory is allocated.
"""

import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import cast

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TILELENGTH, TILEWIDTH, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pipeline.runtime.status import Status

MAX_PIXELS = 100_000_000  # decoding takes about 6 bytes of memory per pixel of most JPEGs, and 24 with transparency

# First bytes -> the class that parses the header. Image.open is not used: it is slower, it tries formats that photos do not
# have, and it first applies Pillow's own pixel limit, which is global to the process.
OPENERS: dict[bytes, type[ImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"RIFF": WebPImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    **dict.fromkeys((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), PpmImageFile),
}

_stderr_lock = threading.Lock()


class UnreadablePhotoError(Exception):
    """The photo cannot be decoded. ``status`` and the message, one line, become the status and the reason in its row."""

    status = Status.UNREADABLE


class PhotoTooLargeError(UnreadablePhotoError):
    """The photo has more pixels, or its file has more bytes, than may be decoded."""

    status = Status.TOO_LARGE


def open_header(encoded: bytes | np.ndarray, max_pixels: int = MAX_PIXELS) -> ImageFile:
    """Parse the header of an image file, whose ``size`` (width, height) is that of the stored picture before it is turned.

    Raises:
        PhotoTooLargeError: If the photo has more than ``max_pixels`` pixels.
        UnreadablePhotoError: If the header is damaged.
    """
    opener = _opener(encoded)
    with errors_of(opener):
        return _parsed(opener, encoded, max_pixels)


@contextmanager
def errors_of(opener: type[ImageFile]) -> Iterator[None]:
    """Turn what decoders raise about damaged bytes into UnreadablePhotoError, and silence what they print."""
    with _silent_stderr():
        try:
            yield
        except UnreadablePhotoError:
            raise
        except Exception as error:  # damaged bytes raise undocumented errors: SyntaxError, OSError, struct.error, ...
            raise damaged(opener) from error


def damaged(opener: type[ImageFile]) -> UnreadablePhotoError:
    """Make the error of a file whose bytes are damaged or missing."""
    return UnreadablePhotoError(f"not a complete image ({opener.format})")


def _opener(encoded: bytes | np.ndarray) -> type[ImageFile]:
    """Choose the class that parses the header, by the first bytes."""
    start = bytes(encoded[:12])
    for signature, opener in OPENERS.items():
        if start.startswith(signature) and (opener is not WebPImageFile or start[8:] == b"WEBP"):
            return opener
    raise UnreadablePhotoError("not a JPEG, PNG, BMP, WebP, TIFF or PGM/PPM image")


def _parsed(opener: type[ImageFile], encoded: bytes | np.ndarray, max_pixels: int) -> ImageFile:
    """Parse the header without decoding pixels, and refuse a picture of more than ``max_pixels``."""
    if opener is WebPImageFile:  # Pillow allocates the whole picture when it opens a WebP file
        _check_size(*webp_size(encoded), max_pixels)
    # An array is a buffer, too. Bytes are not copied, as another view of them would be.
    image = opener(io.BytesIO(cast(bytes, encoded)))
    _check_size(*image.size, max_pixels)
    if isinstance(image, TiffImageFile):  # a tile may be larger than its picture
        _check_size(image.tag_v2.get(TILEWIDTH, 0), image.tag_v2.get(TILELENGTH, 0), max_pixels)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PhotoTooLargeError(f"{width} x {height} pixels; at most {max_pixels:,} are decoded")


def webp_size(encoded: bytes | np.ndarray) -> tuple[int, int]:
    """Read the size that the first chunk of a WebP file declares (RFC 9649, sections 2.5 to 2.7).

    Args:
        encoded: The content of the file, at least its first 30 bytes, as bytes or as an array (n,) uint8.

    Returns:
        Width and height in pixels.

    Raises:
        ValueError: If a WebP file cannot start with such a chunk.
    """
    chunk, header = bytes(encoded[12:16]), bytes(encoded[20:30])
    if chunk == b"VP8X":
        return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")
    if chunk == b"VP8L":
        sizes = int.from_bytes(header[1:5], "little")
        return 1 + (sizes & 0x3FFF), 1 + (sizes >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        return int.from_bytes(header[6:8], "little") & 0x3FFF, int.from_bytes(header[8:10], "little") & 0x3FFF
    raise ValueError(f"a WebP file cannot start with the chunk {chunk!r}")


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard the messages of decoders about damaged photos: their C code writes to descriptor 2, not to ``sys.stderr``.

    The lock is for threads: if two of them nested their redirections, stderr would stay closed.
    """
    with _stderr_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stderr = os.dup(2)
        try:
            os.dup2(_nowhere(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@cache
def _nowhere() -> int:
    """A descriptor that discards what is written to it. It stays open, since each photo needs it four times."""
    return os.open(os.devnull, os.O_WRONLY)
