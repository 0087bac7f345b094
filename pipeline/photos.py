"""Decode a photo once to upright 8-bit RGB, or say why not."""

from pathlib import Path

import cv2
import numpy as np


class Unreadable(Exception):
    """The photo cannot be decoded; the message is the reason for its row."""


def read_rgb(path: str | Path) -> np.ndarray:
    """Read an image file as (height, width, 3) uint8 RGB, turned upright by its EXIF orientation."""
    try:
        encoded = np.fromfile(path, dtype=np.uint8)
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise Unreadable(getattr(error, "strerror", None) or "cannot be opened") from error
    if not encoded.size:
        raise Unreadable("the file is empty")
    try:
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise Unreadable(f"OpenCV: {error.err or 'decoder error'}") from error
    if image is None:
        raise Unreadable("not a complete image in a format that OpenCV reads")
    return image
