"""How a crop is stored: as JPEG, or as it is."""

import math

import cv2
import numpy as np


def encode_crop(image: np.ndarray, encoding: str, quality: int) -> np.ndarray:
    """A square RGB crop (side, side, 3) uint8 as bytes (n,) uint8: ``jpeg`` of that quality, or ``raw``."""
    if encoding == "raw":
        return image.reshape(-1)
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("OpenCV could not encode a crop as JPEG")
    return jpeg


def decode_crop(encoded: np.ndarray, encoding: str) -> np.ndarray | None:
    """The inverse; None if it cannot be decoded."""
    if encoding == "jpeg":
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    side = math.isqrt(len(encoded) // 3)
    return encoded.reshape(side, side, 3) if len(encoded) == 3 * side**2 else None
