"""Say in words where a classifier looks on a face, and what its answer needs. No word claims that a muscle moved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.codebook.schema import split_key

PLACES = {  # FACS number -> where its region is, in everyday words
    1: "the inner brows",
    2: "the outer brows",
    4: "the brows and the place between them",
    5: "the upper eyelids",
    6: "the cheeks",
    7: "the eyelids",
    9: "the nose",
    10: "the upper lip",
    12: "the lip corners",
    14: "the lip corners",
    15: "the lip corners",
    16: "the lower lip",
    17: "the chin",
    20: "the lip corners",
    23: "the lips",
    24: "the lips",
    25: "the lips",
    26: "the mouth and the jaw",
    27: "the mouth and the jaw",
    43: "the eyes",
}
MOST_SEEN = 2  # places in a sentence
SEEN = 1.3  # density of attention, as a multiple of a constant map's, from which a place is named
NEEDED = 0.05  # fall of the probability beyond that elsewhere, from which a place is named
CERTAIN = 2.0  # spreads that the fall must exceed


@dataclass(frozen=True)
class Unit:
    """An action unit's region on a face.

    Attributes:
        key: A FACS number, as "12", or with a side, as "14R".
        name: Its FACS name.
        seen: How many times denser the attention is on the region than a constant map; NaN for an empty region.
        needed: How far the answer's probability falls when the region is replaced, beyond the fall when the same outline
            elsewhere is; NaN if it was not measured.
        spread: Standard deviation of ``needed`` over the neutral faces and the places elsewhere; NaN for a single figure.
        instead: The answer when the region is replaced; empty if it was not measured, or if it depends on the neutral face.
        is_listed: Whether the codebook lists the unit for the answer.
    """

    key: str
    name: str
    seen: float
    needed: float
    spread: float
    instead: str
    is_listed: bool = False

    @property
    def place(self) -> str:
        """Where the region is, in everyday words."""
        return PLACES.get(split_key(self.key)[0], f"the region of {self.name.lower()}")

    @property
    def is_needed(self) -> bool:
        """Whether the answer needs the region more than the same outline elsewhere, beyond the spread. Without one, no."""
        return self.needed >= NEEDED and self.needed > CERTAIN * self.spread


def sentence(expression: str, probability: float, units: Sequence[Unit]) -> str:
    """Describe an answer in one sentence.

    Such as "happiness 94 %: looks at the lip corners (AU12, 3.1 times a flat map); without the cheeks it would say neutral."
    """
    looks = sorted((unit for unit in _places(units) if unit.seen >= SEEN), key=lambda unit: -unit.seen)[:MOST_SEEN]
    figures = [f"{unit.seen:.1f} times a flat map" if unit is looks[0] else f"{unit.seen:.1f}" for unit in looks]
    parts = [f"{unit.place} (AU{unit.key}, {figure})" for unit, figure in zip(looks, figures, strict=True)]
    where = f"looks at {' and '.join(parts)}" if parts else "looks at no action unit's region more than elsewhere"
    return f"{expression} {100 * probability:.0f} %: {where}{_needs(expression, units)}."


def _needs(expression: str, units: Sequence[Unit]) -> str:
    """The end of the sentence; empty if it was not measured what the answer needs."""
    measured = [unit for unit in _places(units) if not math.isnan(unit.needed)]
    if not measured:
        return ""
    needed = sorted((unit for unit in measured if unit.is_needed), key=lambda unit: -unit.needed)
    other = next((unit for unit in needed if unit.instead not in ("", expression)), None)
    if other:
        return f"; without {other.place} it would say {other.instead}"
    if needed:
        same = ", but say the same" if needed[0].instead else ""
        return f"; without {needed[0].place} it would be less sure ({needed[0].needed:.2f} beyond the fall elsewhere){same}"
    return "; no single region decides the answer"


def _places(units: Sequence[Unit]) -> list[Unit]:
    """The unit of each region, and of the regions of one place that which is seen most.

    Several units may have one region: a codebook may draw AU23 to AU27 as the same lips. Then the first that is listed for
    the answer counts, or else the first.
    """
    measured = [unit for unit in reversed(units) if not math.isnan(unit.seen)]
    by_region = {unit.seen: unit for unit in sorted(measured, key=lambda unit: unit.is_listed)}  # one region, one figure
    return list({unit.place: unit for unit in sorted(by_region.values(), key=lambda unit: unit.seen)}.values())
