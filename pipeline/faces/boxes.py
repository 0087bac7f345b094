"""Boxes of faces: (left, top, right, bottom) in pixels of the upright photo, origin top left. A box may exceed the photo."""

import math
from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]
# Pixels of a face. In 150 photos whose boxes were shrunk to 32, 20, 16 and 10 pixels, the landmarks of 2, 66, 88 and 100 %
# of the faces were off by more than a tenth of the distance between the eyes, the usual limit of a failure. FER2013 has 48.
MIN_SIDE = 20


def parse_box(text: str) -> Box:
    """Read a box from text: four numbers ``left top right bottom``, separated by spaces.

    Raises:
        ValueError: If the text is not a finite box with a positive area. The message is a sentence for people.
    """
    try:
        left, top, right, bottom = (float(number) for number in text.split())
    except ValueError:
        raise ValueError(f"box {text!r} is not four numbers: write left top right bottom, with spaces between") from None
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise ValueError(f"box {text!r} is not finite: write left top right bottom in pixels")
    if right <= left or bottom <= top:
        raise ValueError(f"box {text!r} is empty: right must be larger than left, and bottom than top")
    return left, top, right, bottom


def format_box(box: Sequence[float]) -> str:
    """Write a box as the text that ``parse_box`` reads, with 12 significant digits."""
    return " ".join(f"{edge:.12g}" for edge in box)


def centre(box: Sequence[float]) -> tuple[float, float]:
    """Return the centre (x, y) of a box."""
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2


def area(box: Sequence[float]) -> float:
    """Return the area of a box in square pixels."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def cut(box: Box, image: np.ndarray) -> np.ndarray:
    """Return the part of a photo (h, w, 3) that a box shows, in whole pixels; it is empty if the box lies outside."""
    left, top, right, bottom = (max(0, round(edge)) for edge in box)
    return image[top:bottom, left:right]


def reduced(box: Box, times: int) -> Box:
    """Return the box in the pixels of the same photo, reduced a number of times (see ``pipeline.faces.picture``)."""
    left, top, right, bottom = box
    return left / times, top / times, right / times, bottom / times


def smallness(box: Box, size: tuple[int, int]) -> str:
    """Give the reason why a box shows too little of a photo of a size (width, height) to be a face; empty text if not."""
    left, top, right, bottom = (max(0, round(edge)) for edge in box)
    width, height = max(0, min(right, size[0]) - left), max(0, min(bottom, size[1]) - top)
    if min(height, width) >= MIN_SIDE:
        return ""
    return f"the face is only {width} x {height} pixels, too few for landmarks: they need {MIN_SIDE} x {MIN_SIDE}"
