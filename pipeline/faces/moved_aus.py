"""Text form of the action units that a face moved: ``12=0.90/1.10 25=0.70/0.70``, the column ``aus``.

Each part is a FACS number, then its intensity at the subject's right and at the subject's left side.
"""

from collections.abc import Mapping

MovedAUs = dict[int, tuple[float, float]]  # FACS number -> (right, left) intensity, 1 being the displacement table's


def format_moved_aus(moved: Mapping[int, tuple[float, float]]) -> str:
    """Write moved action units as text, intensities with two decimals; empty text for none."""
    return " ".join(f"{au}={right:.2f}/{left:.2f}" for au, (right, left) in moved.items())


def parse_moved_aus(text: str) -> MovedAUs:
    """Read what ``format_moved_aus`` wrote.

    Raises:
        ValueError: If the text is anything else.
    """
    moved = {}
    for part in text.split():
        number, _, sides = part.partition("=")
        right, left = sides.split("/")
        moved[int(number)] = float(right), float(left)
    return moved
