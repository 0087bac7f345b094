"""Shapes of a codebook on the landmarks of many faces at once.

Coordinates are pixels of each face's frame, (x, y), origin at the centre of the top left pixel. Faces are the last axis
of every array here: what is done to all faces of a batch then runs over contiguous memory.

A shape's value at a point is 1 inside and 0 outside. With a soft edge it falls from 1 to 0 along the ``edge`` pixels about
the border; with whole pixels it is exactly the pixels that drawing the shape would set.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.codebook import ellipse_raster as pixels
from pipeline.codebook.ellipse_raster import Grid, Window, hull
from pipeline.codebook.schema import Centre, Ellipse, Gaussian, Length, Polygon, Shape

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
REACH = 3.0  # sigmas, from where on a Gaussian is 0
NARROWEST = 0.6  # of the edge's width: a narrower sigma would come and go between the points of a grid


@dataclass(frozen=True)
class LandmarkBatch:
    """N faces. With ``whole_pixels``, means and halves of landmarks are truncated and other lengths rounded, as the released
    code does."""

    points: np.ndarray  # (68, 2, N) float64
    sizes: np.ndarray  # (2, N) as (width, height), or (2, 1) if all are alike
    whole_pixels: bool

    @cached_property
    def eyes(self) -> np.ndarray:
        """From the right eye's centre to the left eye's, (2, N)."""
        return self.points[LEFT_EYE].mean(axis=0) - self.points[RIGHT_EYE].mean(axis=0)

    def centre(self, centre: Centre) -> np.ndarray:
        """(2, N)."""
        pairs = enumerate((centre.x, centre.y))
        mean = np.stack([self.points[list(landmarks), axis].sum(axis=0) / len(landmarks) for axis, landmarks in pairs])
        return np.trunc(mean) if self.whole_pixels else mean

    def length(self, length: Length, axis: np.ndarray | None = None) -> np.ndarray:
        """Pixels, (N,), or (1,) if all are alike. ``half`` runs along ``axis`` (unit vectors, (2, N) or (2, 1)), or straight
        between its landmarks if None."""
        if length.half is not None:
            first, second = length.half
            between = self.points[second] - self.points[first]
            distance = np.hypot(*between) if axis is None else (between * axis).sum(axis=0)
            halved = (distance + (self.length(length.plus) if length.plus else 0)) / 2
            halved = np.trunc(halved) if self.whole_pixels else halved
            return np.where(halved > 0, halved, self.length(length.otherwise)) if length.otherwise else halved
        if length.px is not None:
            pixels = np.array([length.px])
        elif length.iod is not None:
            pixels = length.iod * np.hypot(*self.eyes)
        else:
            pixels = length.width * self.sizes[0] if length.width is not None else length.height * self.sizes[1]
        return np.rint(pixels) if self.whole_pixels else pixels

    def axes(self, rotation: str | tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
        """A shape's own x and y axis as unit vectors, (2, N) or (2, 1)."""
        if rotation is None:
            return tuple(np.eye(2)[:, :, None])
        along = self.eyes if rotation == "face" else self.points[rotation[1]] - self.points[rotation[0]]
        length = np.hypot(*along)
        along = np.where(length > 0, along / np.where(length > 0, length, 1), np.array([[1.0], [0.0]]))
        return along, np.stack([-along[1], along[0]])


def add(
    values: np.ndarray, shape: Shape, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    """Combine ``values`` (rows, columns, N) in place with those of a shape; returns the window outside of which the
    shape has no value.

    ``edge`` (N or 1,) is the width of soft edges; None draws whole pixels, and ``values`` may then be bool.
    """
    match shape:
        case Ellipse():
            return _add_ellipse(values, shape, faces, grid, edge, combine)
        case Polygon():
            return _add_polygon(values, shape, faces, grid, edge, combine)
        case Gaussian():
            return _add_gaussians(values, shape, faces, grid, edge, combine)


def _add_ellipse(
    values: np.ndarray, shape: Ellipse, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    along, down = faces.axes(shape.rotation)
    centre = faces.centre(shape.centre)
    centre = centre + along * faces.length(shape.offset.x, along) + down * faces.length(shape.offset.y, down)
    if shape.inside == "left":
        centre[0] = np.maximum(centre[0], 0)
    elif shape.inside == "right":
        centre[0] = np.minimum(centre[0], faces.sizes[0])
    radii = np.stack(np.broadcast_arrays(faces.length(shape.rx, along), faces.length(shape.ry, down)))
    # Half of the bounding box, exact for an ellipse.
    reach = radii if shape.rotation is None else np.hypot(along * radii[0], down * radii[1])
    visible = _reaches(centre - reach, centre + reach, faces) & (radii >= 0).all(axis=0)
    windows = []
    if edge is None and shape.rotation is None:
        exact = visible & (radii <= pixels.EXACT_RADIUS).all(axis=0)
        windows.append(pixels.fill(values, centre, radii, exact, faces.sizes, grid, combine))
        visible = visible & ~exact
    if visible.any():
        rows, columns = window = _window(grid, centre - reach, centre + reach, visible, _margin(edge))
        x, y = _offsets(grid, rows, columns, centre)
        u, v = x, y
        if shape.rotation is not None:
            (ax, ay), (bx, by) = along.astype(np.float32), down.astype(np.float32)
            u, v = x * ax + y * ay, x * bx + y * by
        rx, ry = radii.astype(np.float32)
        if edge is None:
            inside = (u / (rx + 0.5)) ** 2 + (v / (ry + 0.5)) ** 2 <= 1
        else:
            width, height = reach.astype(np.float32)
            # No point is nearer to the ellipse than to its bounding box: beyond the tips of a thin one, the first order is.
            distance = np.maximum(_ellipse_distance(u, v, rx, ry), np.maximum(np.abs(x) - width, np.abs(y) - height))
            inside = _soft(distance, edge)
        combine(values[window], inside * visible, out=values[window])
        windows.append(window)
    return hull(windows)


def _ellipse_distance(u: np.ndarray, v: np.ndarray, rx: np.ndarray, ry: np.ndarray) -> np.ndarray:
    """Signed distance to an ellipse's border (negative inside), to first order: with f = |(u / rx, v / ry)|, it is
    (f - 1) / |grad f|."""
    rx, ry = rx.clip(min=1e-3), ry.clip(min=1e-3)
    x, y = (u / rx) ** 2, (v / ry) ** 2
    level = np.sqrt(x + y)
    slope = np.sqrt(x / rx**2 + y / ry**2)
    distance = level * (level - 1) / np.where(slope == 0, 1, slope)
    return np.maximum(np.where(slope == 0, -np.inf, distance), -np.minimum(rx, ry))  # nowhere is further inside


def _add_polygon(
    values: np.ndarray, shape: Polygon, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    corners = faces.points[list(shape.through)]  # (M, 2, N)
    grown = faces.length(shape.dilate)
    low, high = corners.min(axis=0) - grown, corners.max(axis=0) + grown
    visible = _reaches(low, high, faces)
    rows, columns = window = _window(grid, low, high, visible, _margin(edge))
    squared, inside = None, False
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = (end - start).astype(np.float32)  # (2, N)
        dx, dy = _offsets(grid, rows, columns, start)
        length = (side**2).sum(axis=0)
        share = ((dx * side[0] + dy * side[1]) / np.where(length > 0, length, 1)).clip(0, 1)
        distance = (dx - share * side[0]) ** 2 + (dy - share * side[1]) ** 2
        squared = distance if squared is None else np.minimum(squared, distance)
        # Crossing number: a ray to the right crosses this side.
        above = (dy < 0) != (dy < side[1])
        inside = inside ^ (above & ((dx * side[1] < dy * side[0]) == (side[1] > 0)))
    distance = np.sqrt(squared) * np.where(inside, np.float32(-1), 1) - grown.astype(np.float32)
    inside = distance <= 0.5 if edge is None else _soft(distance, edge)
    combine(values[window], inside * visible, out=values[window])
    return window


def _add_gaussians(
    values: np.ndarray, shape: Gaussian, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    sigma = faces.length(shape.sigma)
    if edge is not None:
        sigma = np.where(sigma > 0, np.maximum(sigma, NARROWEST * edge), sigma)
    windows = []
    floor = np.exp(-(REACH**2) / 2)
    for point in faces.points[list(shape.at)]:
        low, high = point - REACH * sigma, point + REACH * sigma
        visible = _reaches(low, high, faces) & (sigma > 0)
        rows, columns = window = _window(grid, low, high, visible, 0)
        windows.append(window)
        scale = np.where(sigma > 0, sigma, 1).astype(np.float32)
        dx, dy = _offsets(grid, rows, columns, point)
        bell = np.exp(-((dx / scale) ** 2) / 2) * np.exp(-((dy / scale) ** 2) / 2)
        bell = (bell - floor).clip(min=0) * visible / (1 - floor)
        combine(values[window], bell, out=values[window])
    return hull(windows)


def _offsets(grid: Grid, rows: slice, columns: slice, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From ``origin`` (2, N) to the grid's points in a window: x (1, columns, N) and y (rows, 1, N)."""
    return (grid.x[columns] - origin[0])[None].astype(np.float32), (grid.y[rows] - origin[1])[:, None].astype(np.float32)


def _soft(distance: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """A shape's values, from the signed distances to its border."""
    return (0.5 - distance / edge.astype(np.float32)).clip(0, 1)


def _reaches(low: np.ndarray, high: np.ndarray, faces: LandmarkBatch) -> np.ndarray:
    """Whether a box ((2, N) corners) and the frame have a point in common, (N,)."""
    return ((high >= 0) & (low <= faces.sizes - 1)).all(axis=0)


def _margin(edge: np.ndarray | None) -> np.ndarray | float:
    """How far a shape reaches beyond its border."""
    return 0.5 if edge is None else edge / 2


def _window(grid: Grid, low: np.ndarray, high: np.ndarray, visible: np.ndarray, margin: np.ndarray | float) -> Window:
    """Where boxes ((2, N) corners) of ``visible`` shapes lie, with a margin; the others take up no room."""
    return grid.window(np.where(visible, low - margin, np.inf), np.where(visible, high + margin, -np.inf))
