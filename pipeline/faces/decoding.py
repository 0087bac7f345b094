"""Decode photos to upright 8-bit RGB, or give the reason why a photo cannot be decoded.

Formats are JPEG, PNG, BMP, WebP, TIFF and PGM/PPM; the content of a file decides its format, not its suffix. If a file
holds several pictures, the first is read. Grey becomes three equal channels, CMYK and other colour spaces become RGB, 16-bit
values are scaled to 8 bits, and transparent pixels are blended with white.

Pillow parses the header, so that the size is known before any memory is allocated. OpenCV decodes grey and RGB JPEG, the
most common photos: it gives the same pixels as Pillow, sooner and in less memory. Pillow decodes all other files, because
OpenCV ignores alpha, CMYK, the greatest value of a PGM and damage inside a TIFF.
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
from typing import cast

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

from pipeline.runtime.status import Status

MAX_PIXELS = 100_000_000  # decoding takes about 6 bytes of memory per pixel of most JPEGs, and 24 with transparency
MAX_BYTES = 1 << 30  # of a file; without compression, 100 megapixels of four 16-bit channels are 0.8 GB

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
UPRIGHT = {  # EXIF orientation -> the operation that turns the stored picture upright
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
    """The photo cannot be decoded. ``status`` and the message, one line, become the status and the reason in its row."""

    status = Status.UNREADABLE


class PhotoTooLargeError(UnreadablePhotoError):
    """The photo has more pixels, or its file has more bytes, than may be decoded."""

    status = Status.TOO_LARGE


def read_rgb(path: str | Path, max_pixels: int = MAX_PIXELS, sha256: str = "") -> np.ndarray:
    """Read an image file and turn it upright by its EXIF orientation.

    Args:
        path: The file.
        max_pixels: Largest width times height that is decoded.
        sha256: Digest that the file must have, as hexadecimal text; empty for any file.

    Returns:
        RGB image (height, width, 3) uint8.

    Raises:
        PhotoTooLargeError: If the photo has more than ``max_pixels`` pixels, or the file more than ``MAX_BYTES`` bytes.
        UnreadablePhotoError: If the file cannot be read or decoded, or has another digest.
    """
    encoded = read_bytes(path)
    if sha256 and hashlib.sha256(encoded).hexdigest() != sha256:
        raise UnreadablePhotoError("the file changed since `aucue ingest`: run it again")
    return decode_rgb(encoded, max_pixels)


def read_bytes(path: str | Path) -> bytes:
    """Read the bytes of a regular file. A FIFO or a device is refused, since reading it could wait for ever.

    Raises:
        PhotoTooLargeError: If the file has more than ``MAX_BYTES`` bytes.
        UnreadablePhotoError: If the file is empty, is not a regular file or cannot be read.
    """
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise UnreadablePhotoError("Is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadablePhotoError("not a regular file")
        if not status.st_size:
            raise UnreadablePhotoError("the file is empty")
        if status.st_size > MAX_BYTES:
            raise PhotoTooLargeError(f"the file has {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        with Path(path).open("rb", buffering=0) as stream:
            return stream.read(status.st_size)
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise UnreadablePhotoError(getattr(error, "strerror", None) or "cannot be opened") from error


def decode_rgb(encoded: bytes | np.ndarray, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode the bytes of an image file and turn it upright by its EXIF orientation.

    Args:
        encoded: The content of the file, as bytes or as an array (n,) uint8.
        max_pixels: Largest width times height that is decoded.

    Returns:
        RGB image (height, width, 3) uint8.

    Raises:
        PhotoTooLargeError: If the photo has more than ``max_pixels`` pixels.
        UnreadablePhotoError: If the bytes cannot be decoded.
    """
    opener = _opener(encoded)
    with _silent_stderr():
        try:
            image = _open_header(opener, encoded, max_pixels)
            if opener is JpegImageFile and image.mode in {"L", "RGB"}:
                pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
            else:
                pixels = np.array(_upright_rgb(image))
        except UnreadablePhotoError:
            raise
        except Exception as error:  # damaged bytes raise undocumented errors: SyntaxError, OSError, struct.error, ...
            raise UnreadablePhotoError(f"not a complete image ({opener.format})") from error
    if pixels is None:
        raise UnreadablePhotoError(f"not a complete image ({opener.format})")
    return pixels


def _opener(encoded: bytes | np.ndarray) -> type[ImageFile]:
    """Choose the class that parses the header, by the first bytes."""
    start = bytes(encoded[:12])
    for signature, opener in OPENERS.items():
        if start.startswith(signature) and (opener is not WebPImageFile or start[8:] == b"WEBP"):
            return opener
    raise UnreadablePhotoError("not a JPEG, PNG, BMP, WebP, TIFF or PGM/PPM image")


def _open_header(opener: type[ImageFile], encoded: bytes | np.ndarray, max_pixels: int) -> ImageFile:
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


def _upright_rgb(image: ImageFile) -> Image.Image:
    image.load()  # turns a TIFF upright and removes its orientation tag
    turn = UPRIGHT.get(_orientation(image))
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise UnreadablePhotoError("its samples have 32 bits, so what is white is unknown; photos have 8 or 16")
    if image.mode.startswith("I"):
        # Pillow keeps 16 bits in either byte order, and those of a PGM in 32 bits.
        deep = np.asarray(image).astype(np.uint16)
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
    except Exception:  # noqa: BLE001 (damaged EXIF raises nearly any error, and is no reason to refuse an intact picture)
        return 1


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard the messages of decoders about damaged photos: their C code writes to descriptor 2, not to ``sys.stderr``.

    The lock is for threads: if two of them nested their redirections, stderr would stay closed.
    """
    with _stderr_lock, warnings.catch_warnings(), Path(os.devnull).open("wb", buffering=0) as nowhere:
        warnings.simplefilter("ignore")
        stderr = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
