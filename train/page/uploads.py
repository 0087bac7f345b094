"""Photos that somebody uploads: decoded as the pipeline decodes them, or refused with a sentence, and never stored."""

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from pipeline.faces.decoding import decode_rgb
from pipeline.faces.headers import UnreadablePhotoError
from pipeline.runtime.errors import InputError
from train.page.security import MAX_BODY

MAX_PIXELS = 50_000_000  # of a photo, read from its header before it is decoded


class MemoryParser(MultiPartParser):
    """Keeps an upload in memory: Starlette would put one above a megabyte into a temporary file."""

    spool_max_size = MAX_BODY


async def read_upload(request: Request) -> tuple[str, bytes]:
    """Read the file of the form's field ``photo``.

    Returns:
        The name of the file, and its content.

    Raises:
        InputError: If the form has no such file.
    """
    try:
        form = await MemoryParser(request.headers, request.stream(), max_files=1, max_fields=1).parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise InputError("no photo came with the form: choose one") from error
    photo = form.get("photo")
    content = await photo.read() if isinstance(photo, UploadFile) else b""
    if not isinstance(photo, UploadFile) or not content:
        raise InputError("no photo came with the form, or the file is empty: choose a photo")
    return photo.filename or "the photo", content


def decode_upload(name: str, content: bytes) -> np.ndarray:
    """Decode a photo.

    Args:
        name: Its name, for the message.
        content: Content of the file.

    Returns:
        Upright RGB image (height, width, 3) uint8.

    Raises:
        InputError: If it is no photo, is damaged or has more than MAX_PIXELS.
    """
    try:
        return decode_rgb(content, MAX_PIXELS)
    except UnreadablePhotoError as error:
        raise InputError(f"{name} cannot be explained: {error}: choose another photo") from error
