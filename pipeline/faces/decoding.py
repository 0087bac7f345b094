"""Decode a photo once to upright 8-bit RGB, or say why not.

Accepts JPEG, PNG, BMP, WebP, TIFF and PGM/PPM; the content decides, not the suffix. Of several pictures in one file the
first is read. Grey becomes three equal channels, CMYK and other colour spaces become RGB, 16-bit values are scaled to 8
bits, and transparency is laid on white. Pillow parses the header, so that the size is known before anything allocates.
Grey and RGB JPEG, which most photos are, OpenCV decodes: it gives Pillow's pixels sooner and in less memory. Pillow
decodes the rest, where OpenCV passes over alpha, CMYK, PGM's greatest value or damage inside a TIFF.
"""

import hashlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TILELENGTH, TILEWIDTH, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_PIXELS = 100_000_000  # decoding takes about 6 bytes of memory per pixel of most JPEGs, 24 where there is transparency
MAX_BYTES = 1 << 30  # of a file: 100 megapixels of four 16-bit channels are 0.8 GB without compression

# First bytes -> the class that parses the header. Not Image.open: it is slower, tries formats that photos do not have,
# and puts a pixel limit of Pillow's own, global to the process, before ours.
OPENERS: dict[bytes, type[ImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"RIFF": WebPImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    **dict.fromkeys((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), PpmImageFile),
}
UPRIGHT = {  # EXIF orientation -> what turns the stored picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112  # EXIF tag

_stderr_lock = threading.Lock()


class UnreadablePhotoError(Exception):
    """The photo cannot be decoded; ``status`` and the one-line message are the status and the reason for its row."""

    status = "unreadable"


class PhotoTooLargeError(UnreadablePhotoError):
    """The photo has more pixels, or its file more bytes, than may be decoded."""

    status = "too_large"


def read_rgb(path: str | Path, max_pixels: int = MAX_PIXELS, sha256: str = "") -> np.ndarray:
    """Read an image file as (height, width, 3) uint8 RGB, turned upright by its EXIF orientation.

    Raises UnreadablePhotoError, also where the file is not the one that ``sha256`` names, or PhotoTooLargeError where width
    times height is over ``max_pixels``.
    """
    encoded = read_bytes(path)
    if sha256 and hashlib.sha256(encoded).hexdigest() != sha256:
        raise UnreadablePhotoError("the file changed since `aucue ingest`: run it again")
    return decode_rgb(encoded, max_pixels)


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a regular file; never waits for a FIFO or device.

    Raises UnreadablePhotoError, or PhotoTooLargeError over ``MAX_BYTES``.
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise UnreadablePhotoError("Is a directory")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadablePhotoError("not a regular file")
        if not found.st_size:
            raise UnreadablePhotoError("the file is empty")
        if found.st_size > MAX_BYTES:
            raise PhotoTooLargeError(f"the file has {found.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        with open(path, "rb", buffering=0) as stream:
            return stream.read(found.st_size)
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise UnreadablePhotoError(getattr(error, "strerror", None) or "cannot be opened") from error


def decode_rgb(encoded: bytes | np.ndarray, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode the bytes of an image file, which may be an (n,) uint8 array, as ``read_rgb`` does."""
    opener = _opener(encoded)
    with _silence():
        try:
            image = _open_header(opener, encoded, max_pixels)
            if opener is JpegImageFile and image.mode in {"L", "RGB"}:
                pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
            else:
                pixels = np.array(_upright_rgb(image))
        except UnreadablePhotoError:
            raise
        except Exception as error:  # what damaged bytes raise is not documented: SyntaxError, OSError, struct.error, ...
            raise UnreadablePhotoError(f"not a complete image ({opener.format})") from error
    if pixels is None:
        raise UnreadablePhotoError(f"not a complete image ({opener.format})")
    return pixels


def _opener(encoded: bytes | np.ndarray) -> type[ImageFile]:
    start = bytes(encoded[:12])
    for signature, opener in OPENERS.items():
        if start.startswith(signature) and (opener is not WebPImageFile or start[8:] == b"WEBP"):
            return opener
    raise UnreadablePhotoError("not a JPEG, PNG, BMP, WebP, TIFF or PGM/PPM image")


def _open_header(opener: type[ImageFile], encoded: bytes | np.ndarray, max_pixels: int) -> ImageFile:
    """Parse the header, no pixels yet, and refuse what would decode to more than ``max_pixels``."""
    if opener is WebPImageFile:  # Pillow allocates the whole picture as it opens one
        _check_size(*_webp_size(encoded), max_pixels)
    image = opener(io.BytesIO(encoded))
    _check_size(*image.size, max_pixels)
    if opener is TiffImageFile:  # a tile may be larger than the picture that it is a tile of
        _check_size(image.tag_v2.get(TILEWIDTH, 0), image.tag_v2.get(TILELENGTH, 0), max_pixels)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PhotoTooLargeError(f"{width} x {height} pixels; at most {max_pixels:,} are decoded")


def _webp_size(encoded: bytes | np.ndarray) -> tuple[int, int]:
    """Width and height that the first chunk declares (RFC 9649, sections 2.5 to 2.7)."""
    chunk, header = bytes(encoded[12:16]), bytes(encoded[20:30])
    if chunk == b"VP8X":
        return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")
    if chunk == b"VP8L":
        sizes = int.from_bytes(header[1:5], "little")
        return 1 + (sizes & 0x3FFF), 1 + (sizes >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        return int.from_bytes(header[6:8], "little") & 0x3FFF, int.from_bytes(header[8:10], "little") & 0x3FFF
    raise ValueError(f"a WebP file cannot start with the chunk {chunk!r}")


def _upright_rgb(image: ImageFile) -> Image.Image:
    image.load()  # turns TIFF, and takes the tag away
    turn = UPRIGHT.get(_orientation(image))
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise UnreadablePhotoError("its samples have 32 bits, so what is white is unknown; photos have 8 or 16")
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.uint16)  # Pillow holds 16 bits in either byte order, and PGM's in 32
        rgb = Image.fromarray(cv2.convertScaleAbs(deep, alpha=255 / 65535)).convert("RGB")
    elif image.has_transparency_data:
        layer = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, "white")
        rgb.paste(layer, mask=layer)
    else:
        rgb = image.convert("RGB")
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: ImageFile) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF raises nearly anything, and is no reason to refuse a whole picture
        return 1


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what decoders say about damaged photos off stderr; their C code writes to descriptor 2, past Python.

    The lock is for threads: two that nested would leave stderr closed for good.
    """
    with _stderr_lock, warnings.catch_warnings(), open(os.devnull, "wb", buffering=0) as nowhere:
        warnings.simplefilter("ignore")
        stderr = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
