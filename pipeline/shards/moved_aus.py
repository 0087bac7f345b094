"""The action units that a face moved, as text: ``12=0.90/1.10 25=0.70/0.70`` (the column ``aus``).

Each part is a FACS number, followed by the intensity on the subject's right and on the subject's left side.
"""

from collections.abc import Mapping

# FACS number -> (right, left) intensity; 1 is the intensity of the displacement table.
MovedAUs = dict[int, tuple[float, float]]


def format_moved_aus(moved: Mapping[int, tuple[float, float]]) -> str:
    """Write moved action units as text, with two decimals for intensities; no action units give empty text."""
    return " ".join(f"{au}={right:.2f}/{left:.2f}" for au, (right, left) in moved.items())


def parse_moved_aus(text: str) -> MovedAUs:
    """Read the text that ``format_moved_aus`` wrote.

    Raises:
        ValueError: If the text has another form.
    """
    moved: MovedAUs = {}
    for part in text.split():
        number, _, sides = part.partition("=")
        right, left = sides.split("/")
        moved[int(number)] = float(right), float(left)
    return moved
