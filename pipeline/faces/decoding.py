"""Decode photos to upright 8-bit RGB, or give the reason why a photo cannot be decoded.

Formats are JPEG, PNG, BMP, WebP, TIFF and PGM/PPM; the content of a file decides its format, not its suffix. If a file
holds several pictures, the first is read. Grey becomes three equal channels, CMYK and other colour spaces become RGB, 16-bit
values are scaled to 8 bits, and transparent pixels are blended with white.

OpenCV decodes grey and RGB JPEG, the most common photos: it gives the same pixels as Pillow, sooner and in less memory.
Pillow decodes all other files, because OpenCV ignores alpha, CMYK, the greatest value of a PGM and damage inside a TIFF.
"""

import hashlib
import stat
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from pipeline.faces.headers import MAX_PIXELS, PhotoTooLargeError, UnreadablePhotoError, damaged, errors_of, open_header

MAX_BYTES = 1 << 30  # of a file; without compression, 100 megapixels of four 16-bit channels are 0.8 GB

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
REDUCED = {  # reduction -> OpenCV's flag for a JPEG of that size in grey; with cv2.IMREAD_COLOR_RGB it is in colour
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


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
    return decode_rgb(read_bytes(path, sha256), max_pixels)


def read_bytes(path: str | Path, sha256: str = "") -> bytes:
    """Read the bytes of a regular file. A FIFO or a device is refused, since reading it could wait for ever.

    Args:
        path: The file.
        sha256: Digest that the file must have, as hexadecimal text; empty for any file.

    Raises:
        PhotoTooLargeError: If the file has more than ``MAX_BYTES`` bytes.
        UnreadablePhotoError: If the file is empty, is not a regular file, cannot be read or has another digest.
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
            content = stream.read(status.st_size)
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise UnreadablePhotoError(getattr(error, "strerror", None) or "cannot be opened") from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise UnreadablePhotoError("the file changed since `aucue ingest`: run it again")
    return content


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
    return decode_opened(open_header(encoded, max_pixels), encoded)


def decode_opened(image: ImageFile, encoded: bytes | np.ndarray, reduction: int = 1) -> np.ndarray:
    """Decode an image file whose header has been parsed, and turn it upright.

    Args:
        image: The header, from ``open_header``. It serves for one call.
        encoded: The content of the file.
        reduction: How many times smaller a JPEG is decoded: 1, 2, 4 or 8. Both sides are divided and rounded up. Other
            formats have no such sizes.

    Returns:
        RGB image (height, width, 3) uint8.

    Raises:
        UnreadablePhotoError: If the bytes cannot be decoded.
    """
    is_jpeg = isinstance(image, JpegImageFile)
    with errors_of(type(image)):
        if is_jpeg and image.mode in {"L", "RGB"}:
            pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), REDUCED[reduction] | cv2.IMREAD_COLOR_RGB)
        else:
            if is_jpeg:
                image.draft(None, (image.width // reduction, image.height // reduction))
            pixels = np.array(_upright_rgb(image))
    if pixels is None:
        raise damaged(type(image))
    return pixels


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
