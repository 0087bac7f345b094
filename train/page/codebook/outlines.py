"""The outlines of regions on a face, in pixels of the codebook's reference frame, with the handles to drag.

An outline is measured by the code that renders (``place_ellipse`` and ``LandmarkBatch``), so that it lies where the heatmap
does. A region with ``mirror`` has each shape twice; the one on the left side is ``mirrored``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.codebook.geometry import Ellipse, Gaussian, Polygon, Shape
from pipeline.codebook.mirror import mirror_shape
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.rendering.shapes import place_ellipse
from pipeline.codebook.schema import Region

MOST_CORNERS = 12  # a shape through more landmarks has no handle for each: they would cover the face


@dataclass(frozen=True)
class Handle:
    """A point to drag: the end of a radius, a corner, or the border of what grows."""

    name: str
    title: str
    x: float
    y: float


@dataclass(frozen=True)
class Outline:
    """A shape on a face.

    Attributes:
        shape: The shape, mirrored if it is the one on the left side.
        index: Its place in the region's list.
        mirrored: Whether it was made from the shape in the list.
        centre: (x, y) of an ellipse.
        radii: Of an ellipse, or the sigma of a Gaussian, or the width by which a polygon grows.
        angle: Of an ellipse's x axis, in degrees.
        points: Corners of a polygon, or centres of Gaussians, in the order of the file.
        handles: The points to drag.
    """

    shape: Shape
    index: int
    mirrored: bool
    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    points: tuple[tuple[float, float], ...]
    handles: tuple[Handle, ...]

    @property
    def kind(self) -> str:
        """Name of the kind of shape, as in the file."""
        return type(self.shape).__name__.lower()


def outline_region(region: Region, faces: LandmarkBatch) -> Iterator[Outline]:
    """Place the shapes of a region, and their mirror images if the region has ``mirror``.

    Args:
        region: Region to place.
        faces: Landmarks of one face.
    """
    shapes = [entry.shape for entry in region.shapes]
    for index, shape in enumerate(shapes):
        yield outline_shape(shape, index, faces)
    for index, shape in enumerate(map(mirror_shape, shapes) if region.mirror else ()):
        if shape not in shapes:
            yield outline_shape(shape, index, faces, mirrored=True)


def outline_shape(shape: Shape, index: int, faces: LandmarkBatch, mirrored: bool = False) -> Outline:
    """Place one shape on one face."""
    match shape:
        case Ellipse():
            return _ellipse(shape, index, faces, mirrored)
        case Polygon():
            return _points(shape, index, faces, mirrored, shape.through, float(faces.length(shape.dilate)[0]))
        case Gaussian():
            return _points(shape, index, faces, mirrored, shape.at, float(faces.length(shape.sigma)[0]))


def _ellipse(shape: Ellipse, index: int, faces: LandmarkBatch, mirrored: bool) -> Outline:
    centre, radii = (values[:, 0] for values in place_ellipse(shape, faces))
    along, down = (axis[:, 0] for axis in faces.axes(shape.rotation))
    radii = radii.clip(min=0)
    ends = {"rx": ("width", centre + along * radii[0]), "ry": ("height", centre + down * radii[1])}
    return Outline(
        shape=shape,
        index=index,
        mirrored=mirrored,
        centre=(float(centre[0]), float(centre[1])),
        radii=(float(radii[0]), float(radii[1])),
        angle=float(np.degrees(np.arctan2(along[1], along[0]))),
        points=(),
        handles=tuple(Handle(name, title, *map(float, end)) for name, (title, end) in ends.items()),
    )


def _points(
    shape: Shape, index: int, faces: LandmarkBatch, mirrored: bool, landmarks: tuple[int, ...], width: float
) -> Outline:
    """Place a shape that lies on landmarks, and that ``width`` makes larger."""
    points = faces.points[list(landmarks), :, 0]
    outer = points[np.argmax(points[:, 0])]  # the handle of the width lies beside the rightmost landmark
    handles = [Handle("width", "width", float(outer[0] + width), float(outer[1]))]
    if len(landmarks) <= MOST_CORNERS:
        handles += [
            Handle(f"landmark {landmark}", f"landmark {landmark}", *map(float, point))
            for landmark, point in zip(landmarks, points, strict=True)
        ]
    return Outline(
        shape=shape,
        index=index,
        mirrored=mirrored,
        centre=(float(points[:, 0].mean()), float(points[:, 1].mean())),
        radii=(max(width, 0.0), max(width, 0.0)),
        angle=0.0,
        points=tuple((float(x), float(y)) for x, y in points),
        handles=tuple(handles),
    )
