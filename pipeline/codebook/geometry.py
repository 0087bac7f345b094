"""Lengths and shapes as a codebook describes them: ellipses, polygons and Gaussians on the 68 landmarks.

``pipeline/codebooks/README.md`` explains them for people. The models here decide what a file may say; ``shapes`` draws them.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.runtime.parameters.block import Block

LENGTH_UNITS = ("px", "width", "height", "iod", "half")

Landmark = Annotated[int, Field(ge=0, le=67)]
Landmarks = Annotated[tuple[Landmark, ...], Field(strict=False, min_length=1)]
SortedLandmarks = Annotated[Landmarks, AfterValidator(lambda landmarks: tuple(sorted(landmarks)))]  # order means nothing
LandmarkPair = Annotated[tuple[Landmark, Landmark], Field(strict=False)]
LengthValue = Annotated[float, Field(ge=-1e5, le=1e5)]


def outline(corners: tuple[int, ...]) -> tuple[int, ...]:
    """Write a closed polygon in a standard order: from its smallest landmark towards its smaller neighbour."""
    first = corners.index(min(corners))
    onwards = corners[first:] + corners[:first]
    return min(onwards, onwards[:1] + onwards[:0:-1])


class Length(Block):
    """A length in exactly one unit. ``plus`` and ``otherwise`` go with ``half`` alone.

    Attributes:
        px: Pixels of the reference frame.
        width: Fraction of the frame's width.
        height: Fraction of the frame's height.
        iod: Fraction of the inter-ocular distance, from the centre of one eye to the centre of the other.
        half: Two landmarks; the length is half the distance from the first to the second.
        plus: Length added to the distance before it is halved.
        otherwise: Length used instead if the result is not positive.
    """

    px: LengthValue | None = None
    width: LengthValue | None = None
    height: LengthValue | None = None
    iod: LengthValue | None = None
    half: LandmarkPair | None = None
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

    @property
    def number(self) -> float | None:
        """The number in the file; None for ``half``, whose size and sign only a face gives."""
        return next((value for unit in LENGTH_UNITS[:-1] if (value := getattr(self, unit)) is not None), None)


ZERO = Length(px=0)


def _radius(length: Length) -> Length:
    if (length.number or 0) < 0:
        raise ValueError("a radius must not be negative")
    if length.otherwise is not None and (length.otherwise.number or 0) <= 0:
        raise ValueError("otherwise must be positive: it replaces a radius that is not positive")
    return length


class Centre(Block):
    """Landmarks whose mean gives each coordinate. A bare list in the file is for both coordinates."""

    x: SortedLandmarks
    y: SortedLandmarks | None = None  # never None after validation

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

    @property
    def axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The landmarks of x and those of y."""
        return self.x, self.x if self.y is None else self.y


class Offset(Block):
    """A move of the centre, along the shape's own axes."""

    x: Length = ZERO
    y: Length = ZERO

    @field_validator("x", "y")
    @classmethod
    def _no_otherwise(cls, length: Length) -> Length:
        if length.otherwise is not None:
            raise ValueError("an offset has no otherwise: only a radius has it")
        return length


class Ellipse(Block):
    """A filled ellipse.

    Attributes:
        centre: Landmarks of the centre.
        rx: Radius along the shape's x axis.
        ry: Radius along the shape's y axis.
        offset: Move of the centre.
        rotation: The shape's x axis: ``face`` is the line through the eyes, a pair is the line from the first landmark to
            the second, None is the image's x axis.
        inside: Side of the frame. A centre beyond this side is moved onto the frame's border.
    """

    centre: Centre
    rx: Length
    ry: Length
    offset: Offset = Offset()
    rotation: Literal["face"] | LandmarkPair | None = None
    inside: Literal["left", "right"] | None = None

    _radii = field_validator("rx", "ry")(_radius)

    @field_validator("rotation", mode="before")
    @classmethod
    def _face_or_a_pair(cls, value: object) -> object:
        if value == "face" or (isinstance(value, list) and len(value) == 2 and value[0] != value[1]):
            return value
        raise ValueError("must be face, or a pair of landmarks as [36, 39]")


class Polygon(Block):
    """The closed polygon through landmarks, grown by ``dilate`` on all sides.

    Through one landmark it is a disc, through two landmarks a capsule.
    """

    through: Annotated[Landmarks, AfterValidator(outline)]
    dilate: Length = ZERO

    _radii = field_validator("dilate")(_radius)

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if len(set(self.through)) < 3 and self.dilate.number == 0:
            raise ValueError("a polygon through fewer than 3 landmarks needs dilate")
        return self


class Gaussian(Block):
    """One Gaussian at each landmark. Its value is 1 at the landmark and 0 from 3 sigma on."""

    at: SortedLandmarks
    sigma: Length

    @field_validator("sigma")
    @classmethod
    def _positive(cls, sigma: Length) -> Length:
        if sigma.half is None and (sigma.number or 0) <= 0:
            raise ValueError("sigma must be positive")
        return sigma


Shape = Ellipse | Polygon | Gaussian
