"""Encode aligned crops for storage, as JPEG or as raw RGB bytes."""

import math

import cv2
import numpy as np


def encode_crop(image: np.ndarray, encoding: str, quality: int) -> np.ndarray:
    """Encode a crop.

    Args:
        image: Square RGB image (side, side, 3) uint8.
        encoding: ``jpeg`` or ``raw``.
        quality: JPEG quality from 0 to 100; unused for ``raw``.

    Returns:
        The encoded bytes (n,) uint8.
    """
    if encoding == "raw":
        return image.reshape(-1)
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("OpenCV could not encode a crop as JPEG")
    return jpeg


def decode_crop(encoded: np.ndarray, encoding: str) -> np.ndarray | None:
    """Decode the bytes (n,) uint8 that ``encode_crop`` returned.

    Returns:
        The RGB image (side, side, 3) uint8, or None if the bytes cannot be decoded.
    """
    if encoding == "jpeg":
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    side = math.isqrt(len(encoded) // 3)
    return encoded.reshape(side, side, 3) if len(encoded) == 3 * side**2 else None
