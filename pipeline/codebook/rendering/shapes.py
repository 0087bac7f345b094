"""A codebook's shapes as values on a grid, for many faces at once.

Coordinates and the order of axes are those of ``grid``.

A shape's value at a point is 1 inside and 0 outside. With a soft edge, it falls from 1 to 0 along the ``edge`` pixels about
the border. With whole pixels, it is 1 at exactly the pixels that drawing the shape would set.
"""

from typing import cast

import numpy as np

from pipeline.codebook.geometry import Ellipse, Gaussian, Polygon, Shape
from pipeline.codebook.rendering import ellipse_raster
from pipeline.codebook.rendering.grid import Grid, Window, hull
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch

GAUSSIAN_REACH = 3.0  # sigmas, from where on a Gaussian is 0
MIN_SIGMA = 0.6  # of the edge's width: a narrower Gaussian would come and go between the points of a grid
MIN_RADIUS = 1e-3  # pixels: keeps the distance to an ellipse without width finite


def draw(
    values: np.ndarray, shape: Shape, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    """Combine values in place with the values of a shape.

    Args:
        values: Values at the grid's points, (rows, columns, N) float32, or bool if ``edge`` is None.
        shape: Shape to draw on every face.
        faces: Landmarks of the N faces.
        grid: Points of the values.
        edge: Width of soft edges in pixels, (N,) or (1,); None draws whole pixels.
        combine: ``np.maximum`` or ``np.add``.

    Returns:
        The window outside of which the shape has no value.
    """
    match shape:
        case Ellipse():
            return _draw_ellipse(values, shape, faces, grid, edge, combine)
        case Polygon():
            return _draw_polygon(values, shape, faces, grid, edge, combine)
        case Gaussian():
            return _draw_gaussians(values, shape, faces, grid, edge, combine)


def place_ellipse(shape: Ellipse, faces: LandmarkBatch) -> tuple[np.ndarray, np.ndarray]:
    """Compute the centre (2, N) and the radii along the shape's own axes (2, N) of an ellipse, in pixels of each face."""
    along, down = faces.axes(shape.rotation)
    centre = faces.centre(shape.centre)
    centre = centre + along * faces.length(shape.offset.x, along) + down * faces.length(shape.offset.y, down)
    if shape.inside == "left":
        centre[0] = np.maximum(centre[0], 0)
    elif shape.inside == "right":
        centre[0] = np.minimum(centre[0], faces.sizes[0])
    return centre, np.stack(np.broadcast_arrays(faces.length(shape.rx, along), faces.length(shape.ry, down)))


def _draw_ellipse(
    values: np.ndarray, shape: Ellipse, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    along, down = faces.axes(shape.rotation)
    centre, radii = place_ellipse(shape, faces)
    # Half of the bounding box, exact for an ellipse.
    reach = radii if shape.rotation is None else np.hypot(along * radii[0], down * radii[1])
    visible = _overlaps_frame(centre - reach, centre + reach, faces) & (radii >= 0).all(axis=0)
    windows = []
    if edge is None and shape.rotation is None:
        exact = visible & (radii <= ellipse_raster.EXACT_RADIUS).all(axis=0)
        windows.append(ellipse_raster.fill(values, centre, radii, exact, faces.sizes, grid, combine))
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
            # No point is nearer to the ellipse than to its bounding box, but beyond the tips of a thin ellipse the
            # first-order distance is smaller.
            distance = np.maximum(_ellipse_distance(u, v, rx, ry), np.maximum(np.abs(x) - width, np.abs(y) - height))
            inside = _soft_values(distance, edge)
        combine(values[window], inside * visible, out=values[window])
        windows.append(window)
    return hull(windows)


def _ellipse_distance(u: np.ndarray, v: np.ndarray, rx: np.ndarray, ry: np.ndarray) -> np.ndarray:
    """Signed distance to an ellipse's border (negative inside), to first order.

    With f = |(u / rx, v / ry)|, the distance is (f - 1) / |grad f|.
    """
    rx, ry = rx.clip(min=MIN_RADIUS), ry.clip(min=MIN_RADIUS)
    x, y = (u / rx) ** 2, (v / ry) ** 2
    level = np.sqrt(x + y)
    slope = np.sqrt(x / rx**2 + y / ry**2)
    distance = level * (level - 1) / np.where(slope == 0, 1, slope)
    return np.maximum(np.where(slope == 0, -np.inf, distance), -np.minimum(rx, ry))  # no point is further inside


def _draw_polygon(
    values: np.ndarray, shape: Polygon, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    corners = faces.points[list(shape.through)]  # (M, 2, N)
    dilation = faces.length(shape.dilate)
    low, high = corners.min(axis=0) - dilation, corners.max(axis=0) + dilation
    visible = _overlaps_frame(low, high, faces)
    rows, columns = window = _window(grid, low, high, visible, _margin(edge))
    distance = _polygon_distance(corners, grid, rows, columns) - dilation.astype(np.float32)
    inside = distance <= 0.5 if edge is None else _soft_values(distance, edge)
    combine(values[window], inside * visible, out=values[window])
    return window


def _polygon_distance(corners: np.ndarray, grid: Grid, rows: slice, columns: slice) -> np.ndarray:
    """Signed distance (rows, columns, N) to the border of the polygon through corners (M, 2, N), negative inside."""
    squared: np.ndarray | None = None
    inside = np.array(False)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = (end - start).astype(np.float32)  # (2, N)
        dx, dy = _offsets(grid, rows, columns, start)
        length = (side**2).sum(axis=0)
        fraction = ((dx * side[0] + dy * side[1]) / np.where(length > 0, length, 1)).clip(0, 1)
        to_side = (dx - fraction * side[0]) ** 2 + (dy - fraction * side[1]) ** 2
        squared = to_side if squared is None else np.minimum(squared, to_side)
        # Crossing number: a ray to the right crosses this side.
        above = (dy < 0) != (dy < side[1])
        inside = inside ^ (above & ((dx * side[1] < dy * side[0]) == (side[1] > 0)))
    # A polygon has at least one corner, so ``squared`` is an array.
    return np.sqrt(cast(np.ndarray, squared)) * np.where(inside, np.float32(-1), 1)


def _draw_gaussians(
    values: np.ndarray, shape: Gaussian, faces: LandmarkBatch, grid: Grid, edge: np.ndarray | None, combine: np.ufunc
) -> Window:
    sigma = faces.length(shape.sigma)
    if edge is not None:
        sigma = np.where(sigma > 0, np.maximum(sigma, MIN_SIGMA * edge), sigma)
    windows = []
    floor = np.exp(-(GAUSSIAN_REACH**2) / 2)
    for point in faces.points[list(shape.at)]:
        low, high = point - GAUSSIAN_REACH * sigma, point + GAUSSIAN_REACH * sigma
        visible = _overlaps_frame(low, high, faces) & (sigma > 0)
        rows, columns = window = _window(grid, low, high, visible, 0)
        windows.append(window)
        scale = np.where(sigma > 0, sigma, 1).astype(np.float32)
        dx, dy = _offsets(grid, rows, columns, point)
        bell = np.exp(-((dx / scale) ** 2) / 2) * np.exp(-((dy / scale) ** 2) / 2)
        bell = (bell - floor).clip(min=0) * visible / (1 - floor)
        combine(values[window], bell, out=values[window])
    return hull(windows)


def _offsets(grid: Grid, rows: slice, columns: slice, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From ``origin`` (2, N) to the grid's points in a window: x (1, columns, N) and y (rows, 1, N) float32."""
    return (grid.x[columns] - origin[0])[None].astype(np.float32), (grid.y[rows] - origin[1])[:, None].astype(np.float32)


def _soft_values(distance: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """A shape's values, from the signed distances to its border."""
    return (0.5 - distance / edge.astype(np.float32)).clip(0, 1)


def _overlaps_frame(low: np.ndarray, high: np.ndarray, faces: LandmarkBatch) -> np.ndarray:
    """For each of N boxes, given by two corners (2, N), whether it and the frame have a point in common: (N,) bool."""
    return np.all((high >= 0) & (low <= faces.sizes - 1), axis=0)


def _margin(edge: np.ndarray | None) -> np.ndarray | float:
    """How far a shape reaches beyond its border, in pixels."""
    return 0.5 if edge is None else edge / 2


def _window(grid: Grid, low: np.ndarray, high: np.ndarray, visible: np.ndarray, margin: np.ndarray | float) -> Window:
    """The window that holds the boxes ((2, N) corners) of the ``visible`` shapes, with a margin."""
    return grid.window(np.where(visible, low - margin, np.inf), np.where(visible, high + margin, -np.inf))
