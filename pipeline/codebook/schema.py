"""What a codebook file may say. ``pipeline/codebooks/README.md`` is the page for people; the models below are the law."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from pipeline.runtime.parameters import Block

SIDES = ("R", "L")
KEY = re.compile(r"(0|[1-9]\d?)([RL]?)")
LENGTH_UNITS = ("px", "width", "height", "iod", "half")

Landmark = Annotated[int, Field(ge=0, le=67)]
Landmarks = Annotated[tuple[Landmark, ...], Field(strict=False, min_length=1)]
Points = Annotated[Landmarks, AfterValidator(lambda points: tuple(sorted(points)))]  # in whatever order they were written


def outline(corners: tuple[int, ...]) -> tuple[int, ...]:
    """A closed polygon, from its smallest landmark towards the smaller of that one's neighbours."""
    first = corners.index(min(corners))
    onwards = corners[first:] + corners[:first]
    return min(onwards, onwards[:1] + onwards[:0:-1])


Pair = Annotated[tuple[Landmark, Landmark], Field(strict=False)]


def key(value: object) -> str:
    """A region's key as text: the FACS number, and R or L where only one side of the face is meant."""
    if type(value) in (int, str) and KEY.fullmatch(str(value)):
        return str(value)
    raise ValueError("must be a FACS number from 0 to 99, with R or L behind it for the subject's right or left side alone")


def split(key: str) -> tuple[int, str]:
    """FACS number and side ("R", "L", or "" for both) of a region's key."""
    return int(key.rstrip("RL")), key.lstrip("0123456789")


Key = Annotated[str, BeforeValidator(key)]
Number = Annotated[float, Field(ge=-1e5, le=1e5)]


class Length(Block):
    """A length in exactly one unit. ``plus`` and ``otherwise`` go with ``half`` alone."""

    px: Number | None = None
    width: Number | None = None
    height: Number | None = None
    iod: Number | None = None
    half: Pair | None = None
    plus: "Length | None" = None
    otherwise: "Length | None" = None

    @model_validator(mode="before")
    @classmethod
    def _not_a_bare_number(cls, value: object) -> object:
        if isinstance(value, int | float):
            raise ValueError("a length needs a unit, as {iod: 0.3}")
        return value

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        units = [name for name in LENGTH_UNITS if getattr(self, name) is not None]
        if len(units) != 1:
            raise ValueError(f"must have exactly one of {', '.join(LENGTH_UNITS)}, not {' and '.join(units) or 'none'}")
        if units != ["half"] and (self.plus or self.otherwise):
            raise ValueError(f"plus and otherwise go with half, not with {units[0]}")
        if any(part is not None and part.half is not None for part in (self.plus, self.otherwise)):
            raise ValueError("plus and otherwise must be in px, width, height or iod")
        return self

    def fixed(self) -> float | None:
        """The number of a length that is not measured on the face."""
        return next((value for unit in LENGTH_UNITS[:-1] if (value := getattr(self, unit)) is not None), None)


ZERO = Length(px=0)


def _radius(length: Length) -> Length:
    if (length.fixed() or 0) < 0:
        raise ValueError("a radius must not be negative")
    if length.otherwise is not None and (length.otherwise.fixed() or 0) <= 0:
        raise ValueError("otherwise must be positive: it replaces a radius that is not")
    return length


class Centre(Block):
    """Landmarks whose mean gives each coordinate; a bare list is for both."""

    x: Points
    y: Points | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_list_or_two(cls, value: object) -> object:
        if isinstance(value, list):
            return {"x": value}
        if isinstance(value, dict) and not {"x", "y"} <= value.keys():
            raise ValueError("must be a list of landmarks, or {x: [...], y: [...]}")
        return value

    @model_validator(mode="after")
    def _same_for_both_axes(self) -> Self:
        object.__setattr__(self, "y", self.x if self.y is None else self.y)
        return self


class Offset(Block):
    """From the centre, along the shape's own axes."""

    x: Length = ZERO
    y: Length = ZERO

    @field_validator("x", "y")
    @classmethod
    def _measured(cls, length: Length) -> Length:
        if length.otherwise is not None:
            raise ValueError("an offset has no otherwise: that is for radii")
        return length


class Ellipse(Block):
    """A filled ellipse. ``inside`` moves a centre that is beyond that side of the frame onto it."""

    centre: Centre
    rx: Length
    ry: Length
    offset: Offset = Offset()
    rotation: Literal["face"] | Pair | None = None
    inside: Literal["left", "right"] | None = None

    _radii = field_validator("rx", "ry")(_radius)

    @field_validator("rotation", mode="before")
    @classmethod
    def _face_or_a_pair(cls, value: object) -> object:
        if value == "face" or (isinstance(value, list) and len(value) == 2 and value[0] != value[1]):
            return value
        raise ValueError("must be face, or a pair of landmarks as [36, 39]")


class Polygon(Block):
    """The closed polygon through landmarks, grown by ``dilate`` on all sides; of one landmark a disc, of two a capsule."""

    through: Annotated[Landmarks, AfterValidator(outline)]
    dilate: Length = ZERO

    _radii = field_validator("dilate")(_radius)

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if len(set(self.through)) < 3 and self.dilate.fixed() == 0:
            raise ValueError("a polygon through fewer than 3 landmarks needs dilate")
        return self


class Gaussian(Block):
    """A Gaussian at each landmark, 1 there and 0 from 3 sigma on."""

    at: Points
    sigma: Length

    @field_validator("sigma")
    @classmethod
    def _positive(cls, sigma: Length) -> Length:
        if sigma.half is None and (sigma.fixed() or 0) <= 0:
            raise ValueError("sigma must be positive")
        return sigma


Shape = Ellipse | Polygon | Gaussian


class Written(Block):
    """A shape under the name of its kind."""

    ellipse: Ellipse | None = None
    polygon: Polygon | None = None
    gaussian: Gaussian | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set) != 1 or self.shape is None:
            raise ValueError("a shape is one of ellipse, polygon, gaussian, as {ellipse: {...}}")
        return self

    @property
    def shape(self) -> Shape | None:
        return self.ellipse or self.polygon or self.gaussian


class Region(Block):
    """One action unit: its FACS name and its shapes. With ``mirror`` they are the subject's right side, and the left is
    made from them."""

    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)] | None = None
    shapes: Annotated[tuple[Written, ...], Field(strict=False, min_length=1)]
    mirror: bool = False


class ExpressionAU(Block):
    """An action unit of an expression, by its region's key."""

    au: Key
    weight: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0


class Render(Block):
    """How shapes become a map."""

    combine: Literal["max", "sum"]
    soften: Annotated[int, Field(ge=1, le=15)] = 1
    cells: Annotated[int, Field(ge=4, le=1024)] | None = None
    edge: Length | None = None
    whole_pixels: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.soften % 2 == 0:
            raise ValueError("soften must be an odd number of cells")
        if self.soften > 1 and self.cells is None:
            raise ValueError("soften needs cells: a box of so many cells means nothing without their size")
        if self.cells is not None and self.soften >= 2 * self.cells:
            raise ValueError("soften must be less than twice cells")
        if self.whole_pixels and self.edge is not None:
            raise ValueError("whole_pixels draws hard edges: leave out edge")
        if self.edge is not None and ((self.edge.fixed() or 0) < 0 or self.edge.half is not None):
            raise ValueError("edge must be a width in px, width, height or iod")
        return self


def _cues(aus: object) -> object:
    """``none`` is (), a bare key is a cue of weight 1."""
    if aus == "none":
        return ()
    if not (isinstance(aus, list) and aus):
        raise ValueError("must be a list of AUs, or none if it has no map")
    return tuple(au if isinstance(au, dict) else {"au": au} for au in aus)


class Document(Block):
    """A whole file."""

    name: Annotated[str, Field(min_length=1)]
    version: int
    source: Annotated[str, Field(min_length=1)]
    reference_size: Annotated[int, Field(ge=1, le=32767)]
    render: Render
    expressions: Annotated[dict[str, Annotated[tuple[ExpressionAU, ...], BeforeValidator(_cues)]], Field(min_length=1)]
    regions: Annotated[dict[Key, Region], Field(min_length=1)]
