"""The expert's file: which action units an expression shows, and where on the 68 landmarks each of them is.

``pipeline/codebooks/belharbi2024.yaml`` explains the format. Everything is data: nothing in the file is executed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import InputError
from pipeline.params import Block, describe, load_yaml

FOLDER = Path(__file__).parent / "codebooks"
Landmark = Annotated[int, Field(ge=0, le=67)]
Points = Annotated[tuple[Landmark, ...], Field(strict=False, min_length=1)]


class Length(Block):
    """A length along one axis, in exactly one unit. ``plus`` and ``otherwise`` (pixels) go with ``half`` alone."""

    px: float | None = None
    width: float | None = None
    height: float | None = None
    half: Annotated[tuple[Landmark, Landmark] | None, Field(strict=False)] = None
    plus: float = 0.0
    otherwise: Annotated[float | None, Field(gt=0)] = None

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        units = [name for name in ("px", "width", "height", "half") if getattr(self, name) is not None]
        if len(units) != 1:
            raise ValueError(f"must have exactly one of px, width, height, half, not {' and '.join(units) or 'none'}")
        if units != ["half"] and (self.plus or self.otherwise is not None):
            raise ValueError(f"plus and otherwise go with half, not with {units[0]}")
        return self


class Centre(Block):
    """Landmarks whose mean gives each coordinate."""

    x: Points
    y: Points


class Offset(Block):
    x: Length = Length(px=0)
    y: Length = Length(px=0)


class Ellipse(Block):
    """A filled, axis-aligned ellipse. ``inside`` moves a centre left or right of the frame onto its border."""

    centre: Centre
    rx: Length
    ry: Length
    offset: Offset = Offset()
    inside: bool = False

    @field_validator("rx", "ry")
    @classmethod
    def _not_negative(cls, radius: Length) -> Length:
        if any(value is not None and value < 0 for value in (radius.px, radius.width, radius.height)):
            raise ValueError("a radius must not be negative")
        return radius

    @field_validator("centre", mode="before")
    @classmethod
    def _same_for_both_axes(cls, value: object) -> object:
        return {"x": value, "y": value} if isinstance(value, list) else value


class Region(Block):
    """One action unit: its FACS name and its place."""

    name: str
    ellipses: Annotated[tuple[Ellipse, ...], Field(strict=False, min_length=1)]


class Codebook(Block):
    """A checked codebook. ``expressions`` maps a name to its AUs, in the file's order; () means it has no map."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    version: int
    source: str
    reference_size: Annotated[int, Field(ge=1)]
    whole_pixels: bool
    expressions: Mapping[str, tuple[int, ...]]
    regions: Mapping[int, Region]

    @field_validator("expressions", mode="before")
    @classmethod
    def _parse_expressions(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError("must map each expression to a list of AUs, or to none")
        for name, aus in value.items():
            if aus != "none" and not (isinstance(aus, list) and aus):
                raise ValueError(f"{name} must be a list of AUs, or none if it has no map")
        return {name: () if aus == "none" else tuple(aus) for name, aus in value.items()}

    @model_validator(mode="after")
    def _every_au_has_a_region(self) -> Self:
        missing = sorted({au for aus in self.expressions.values() for au in aus} - set(self.regions))
        if missing:
            raise ValueError(f"expressions name AUs without a region: {', '.join(map(str, missing))}")
        for name, aus in self.expressions.items():
            if len(set(aus)) < len(aus):
                raise ValueError(f"expression {name} names an AU twice")
        object.__setattr__(self, "expressions", MappingProxyType(dict(self.expressions)))
        object.__setattr__(self, "regions", MappingProxyType(dict(self.regions)))
        return self

    def digest(self) -> str:
        """SHA-256 of what decides the maps: expressions, regions and frame, whatever their order or comments."""
        meaning = {
            "reference_size": self.reference_size,
            "whole_pixels": self.whole_pixels,
            "expressions": {name: sorted(aus) for name, aus in self.expressions.items()},
            "regions": {au: [shape.model_dump() for shape in region.ellipses] for au, region in self.regions.items()},
        }
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def load(name_or_path: str | Path) -> Codebook:
    """Load a shipped codebook by name, or any by its path. Raises InputError that lists every mistake in the file."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise InputError(f"there is no codebook {str(name_or_path)!r}: give one of {shipped}, or the path of a .yaml file")
    try:
        return Codebook.model_validate(load_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from error
