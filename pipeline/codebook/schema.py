"""The content that a codebook's file may have: expressions, regions and rendering.

``pipeline/codebooks/README.md`` explains the format for people. The models here decide which files are valid, and
``geometry`` has the models of lengths and shapes.
"""

import re
from typing import Annotated, Literal, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from pipeline.codebook.geometry import Ellipse, Gaussian, Length, Polygon, Shape
from pipeline.runtime.parameters.block import Block

SIDES = ("R", "L")
REGION_KEY = re.compile(r"(0|[1-9]\d?)([RL]?)")


def check_key(value: object) -> str:
    """Read a region's key as text: a FACS number, and R or L for one side of the face alone.

    Raises:
        ValueError: If the value is no such key.
    """
    if type(value) in (int, str) and REGION_KEY.fullmatch(str(value)):
        return str(value)
    raise ValueError("must be a FACS number from 0 to 99, with R or L behind it for the subject's right or left side alone")


def split_key(key: str) -> tuple[int, str]:
    """Split a region's key into the FACS number and the side: "R", "L", or "" for both."""
    return int(key.rstrip("RL")), key.lstrip("0123456789")


RegionKey = Annotated[str, BeforeValidator(check_key)]


class ShapeEntry(Block):
    """A shape under the name of its kind."""

    ellipse: Ellipse | None = None
    polygon: Polygon | None = None
    gaussian: Gaussian | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set) != 1 or not (self.ellipse or self.polygon or self.gaussian):
            raise ValueError("a shape is one of ellipse, polygon, gaussian, as {ellipse: {...}}")
        return self

    @property
    def shape(self) -> Shape:
        """The shape, without the name of its kind."""
        return cast(Shape, self.ellipse or self.polygon or self.gaussian)  # _one_kind leaves exactly one


class Region(Block):
    """One action unit: its FACS name and its shapes.

    With ``mirror``, the shapes are the subject's right side, and the left side is made from them.
    """

    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)] | None = None
    shapes: Annotated[tuple[ShapeEntry, ...], Field(strict=False, min_length=1)]
    mirror: bool = False


class ExpressionAU(Block):
    """A cue of an expression: an action unit, given by its region's key, and its weight in the map."""

    au: RegionKey
    weight: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0


class Render(Block):
    """How shapes become a map.

    Attributes:
        combine: How shapes, and action units, are combined.
        soften: Side in cells of the box that blurs each action unit; 1 does not blur.
        cells: Side in cells of the grid that shapes are drawn on; None draws at the size of the map.
        edge: Width over which shapes fade; None is the width of one cell.
        whole_pixels: Whether shapes are sets of whole pixels, as in the released code.
    """

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
            raise ValueError("soften needs cells: its width is counted in cells")
        if self.cells is not None and self.soften >= 2 * self.cells:
            raise ValueError("soften must be less than twice cells")
        if self.whole_pixels and self.edge is not None:
            raise ValueError("whole_pixels draws hard edges: leave out edge")
        if self.edge is not None and ((self.edge.number or 0) < 0 or self.edge.half is not None):
            raise ValueError("edge must be a width in px, width, height or iod")
        return self


def _cues(aus: object) -> object:
    """Read ``none`` as (), and a bare key as a cue of weight 1."""
    if aus == "none":
        return ()
    if not (isinstance(aus, list) and aus):
        raise ValueError("must be a list of AUs, or none if it has no map")
    return tuple(au if isinstance(au, dict) else {"au": au} for au in aus)


class Document(Block):
    """The whole file."""

    name: Annotated[str, Field(min_length=1)]
    version: int
    source: Annotated[str, Field(min_length=1)]
    reference_size: Annotated[int, Field(ge=1, le=32767)]
    render: Render
    expressions: Annotated[dict[str, Annotated[tuple[ExpressionAU, ...], BeforeValidator(_cues)]], Field(min_length=1)]
    regions: Annotated[dict[RegionKey, Region], Field(min_length=1)]
