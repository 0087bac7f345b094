"""What the editor shows: the outlines on the face, the action units of an expression, and the fields of a region."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.codebook import Codebook
from pipeline.codebook.schema import Document, split_key
from train.page.codebook.faces import Face
from train.page.codebook.outlines import Outline, outline_region

LABEL_DISTANCE = 0.055  # of the frame

Point = tuple[float, float]


@dataclass(frozen=True)
class Drawn:
    """A shape on the face.

    Attributes:
        region: Key of its region in the file.
        title: The region's number and name.
        outline: Where it lies.
        label: (x, y) of its label.
    """

    region: str
    title: str
    outline: Outline
    label: Point


@dataclass(frozen=True)
class UnitRow:
    """An action unit that an expression shows or could show.

    Attributes:
        number: FACS number.
        name: FACS name.
        keys: What an expression may name: both sides, the right, the left.
        key: The key that it names, or would.
        index: Its place in the expression's list; None if the expression does not show it.
        weight: Its weight.
        region: Key of a region in the file that draws it.
    """

    number: int
    name: str
    keys: tuple[str, ...]
    key: str
    index: int | None
    weight: float
    region: str


def region_of(key: str, regions: dict[str, Any]) -> str:
    """The key of a region in the file that draws what an expression names: "14" for "14R" if both sides are one region."""
    number = str(split_key(key)[0])
    return next(name for name in (key, number, f"{number}R", f"{number}L") if name in regions)


def drawn_shapes(document: Document, book: Codebook, face: Face, expression: str, region: str) -> list[Drawn]:
    """Outline the regions of an expression on a face, and at last, above the others, the chosen region.

    Args:
        document: The checked content.
        book: The codebook that it gives.
        face: Face to draw on.
        expression: Expression whose regions are drawn.
        region: Key of the chosen region, which is drawn whole.
    """
    faces = face.batch(book.reference_size, book.render.whole_pixels)
    sides: dict[str, set[str]] = {}
    for cue in book.cues.get(expression, ()):
        number, side = split_key(cue.au)
        for name in document.regions:
            if name == cue.au or (split_key(name)[0] == number and (not side or not split_key(name)[1])):
                sides.setdefault(name, set()).update(side or "RL")
    sides.pop(region, None)
    sides[region] = {"R", "L"}
    outlines = [
        (name, outline)
        for name, shown in sides.items()
        for outline in outline_region(document.regions[name], faces)
        if not document.regions[name].mirror or ("L" if outline.mirrored else "R") in shown
    ]
    labels = _spread([outline.centre for _, outline in outlines], book.reference_size * LABEL_DISTANCE)
    return [
        Drawn(name, f"AU {name} {document.regions[name].name}", outline, label)
        for (name, outline), label in zip(outlines, labels, strict=True)
    ]


def _spread(centres: list[Point], distance: float) -> list[Point]:
    """Move labels down until none lies on another."""
    placed: list[Point] = []
    for x, y in centres:
        while any(abs(x - other_x) < distance and abs(y - other_y) < distance for other_x, other_y in placed):
            y += distance / 4  # noqa: PLW2901
        placed.append((x, y))
    return placed


def unit_rows(document: Document, book: Codebook, expression: str) -> Iterator[UnitRow]:
    """List all action units of a codebook, as one expression shows them. One that shows both sides apart has two rows."""
    entries = list(enumerate(document.expressions.get(expression, ())))
    for number in sorted(book.names):
        keys = tuple(key for key in book.regions if split_key(key)[0] == number)
        shown: list[tuple[int | None, str, float]] = [
            (index, cue.au, cue.weight) for index, cue in entries if split_key(cue.au)[0] == number
        ]
        not_shown: list[tuple[int | None, str, float]] = [(None, keys[0], 1.0)]
        for index, key, weight in shown or not_shown:
            region = region_of(key, dict(document.regions))
            yield UnitRow(number, book.names[number], keys, key, index, weight, region)
