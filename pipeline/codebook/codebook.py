"""A checked codebook and its meaning: the part of it that decides the heatmaps."""

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.codebook.geometry import Shape
from pipeline.codebook.schema import ExpressionAU, Render, split_key
from pipeline.runtime.errors import InputError, closest_name


@dataclass(frozen=True)
class Codebook:
    """A checked codebook. ``pipeline.codebook.load`` makes it from a file.

    Attributes:
        name: Name of the codebook.
        version: Version that the author gave it.
        source: Publication or person that the codebook comes from.
        reference_size: Side in pixels of the frame that the heatmaps stage scales each face to; ``px`` are its pixels.
        render: How shapes become a map.
        cues: The action units of each expression, in the file's order. An expression with () has no map.
        regions: The shapes of each region by its key: "14" is both sides, "14R" the subject's right side alone.
        names: FACS name of each action unit by its number.
        sources: Source of each region that has its own, by the region's key in the file.
    """

    name: str
    version: int
    source: str
    reference_size: int
    render: Render
    cues: Mapping[str, tuple[ExpressionAU, ...]]
    regions: Mapping[str, tuple[Shape, ...]]
    names: Mapping[int, str]
    sources: Mapping[str, str]

    @property
    def expressions(self) -> Mapping[str, tuple[int, ...]]:
        """The FACS numbers of each expression, without repetition."""
        numbers = {name: tuple(dict.fromkeys(split_key(cue.au)[0] for cue in cues)) for name, cues in self.cues.items()}
        return MappingProxyType(numbers)

    @property
    def whole_keys(self) -> list[str]:
        """One key per place: both sides where the codebook has both, otherwise the one side that it has."""
        return [key for key in self.regions if not split_key(key)[1] or str(split_key(key)[0]) not in self.regions]

    def refuse_unknown(self, labels: Set[str]) -> None:
        """Check that the codebook has an expression for every label.

        Raises:
            InputError: If a label has no expression. The message suggests the closest expression.
        """
        unknown = {label: closest_name(label, self.cues) for label in sorted(labels - set(self.cues))}
        if unknown:
            listed = ", ".join(f"{label} (but {closest})" if closest else label for label, closest in unknown.items())
            raise InputError(
                f"codebook {self.name} has no expression {listed}: add it there (as none if it has no map), or fix its name"
            )

    def meaning(self) -> dict[str, object]:
        """Collect everything that decides a map as plain data, sorted wherever the order in the file means nothing."""
        return {
            "reference_size": self.reference_size,
            "render": self.render.model_dump(),
            "expressions": {name: sorted([cue.au, cue.weight] for cue in cues) for name, cues in self.cues.items()},
            "regions": {key: canonical_shapes(shapes) for key, shapes in self.regions.items()},
        }

    def to_json(self) -> str:
        """Write the name and the meaning as JSON."""
        return json.dumps({"name": self.name, **self.meaning()}, indent=1, sort_keys=True) + "\n"

    def digest(self) -> str:
        """Compute the SHA-256 of the meaning. Comments, names and order do not change it."""
        return hashlib.sha256(json.dumps(self.meaning(), sort_keys=True).encode()).hexdigest()


def canonical_shapes(shapes: tuple[Shape, ...]) -> list[str]:
    """Write shapes as sorted JSON, so that equal regions compare as equal whatever their order."""
    return sorted(json.dumps({type(shape).__name__: shape.model_dump()}, sort_keys=True) for shape in shapes)
