"""Boxes of faces: (left, top, right, bottom) in pixels of the upright photo, origin top left. A box may exceed the photo."""

import math
from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]
MIN_SIDE = 16  # TODO


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


def smallness(box: Box, image: np.ndarray) -> str:
    """Give the reason why a box shows too little of a photo to be a face.

    Args:
        box: The face's box.
        image: The photo (h, w, 3) uint8.

    Returns:
        The reason, or empty text if the box can be a face.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    if min(right - left, bottom - top) < MIN_SIDE:
        return f"the face has only {right - left:.0f} x {bottom - top:.0f} pixels, and landmarks need {MIN_SIDE} x {MIN_SIDE}"
    face = image[round(top) : round(bottom), round(left) : round(right)]
    return "the face is of one colour" if (face == face[0, 0]).all() else ""
