"""Boxes of faces: (left, top, right, bottom) in pixels of the upright photo, origin top left, possibly beyond its frame."""

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]


def parse_box(text: str) -> Box:
    """A box written as four numbers ``left top right bottom``, separated by spaces.

    Raises ValueError, in words for people, if it is none.
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
    """The text that ``parse_box`` reads as ``box``."""
    return " ".join(f"{edge:.12g}" for edge in box)


def centre(box: Sequence[float]) -> tuple[float, float]:
    """Its centre (x, y)."""
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2


def area(box: Sequence[float]) -> float:
    """In square pixels."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top)
