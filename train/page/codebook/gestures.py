"""Drags and arrow keys on a region as changes of its own parameters, in their own units.

An ellipse moves by its ``offset`` and grows by ``rx`` and ``ry``. A polygon and a Gaussian lie on landmarks: they move to
other landmarks, and grow by ``dilate`` or ``sigma``. A gesture on the mirror image changes the shape that it is made from.
"""

import copy
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pipeline.codebook.geometry import Ellipse, Polygon
from pipeline.codebook.mirror import MIRRORED, mirror_shape
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.schema import Document
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters.block import Block
from train.page.codebook.lengths import plus_pixels, unit_of

SIZES = {"polygon": "dilate", "gaussian": "sigma"}  # kind -> the length that makes it larger
CORNERS = {"polygon": "through", "gaussian": "at"}  # kind -> its landmarks
FARTHEST = 40  # steps of a key until a landmark lies in its direction
Pixels = Annotated[float, Field(ge=-1e5, le=1e5)]


class Gesture(Block):
    """What somebody did to a shape.

    Attributes:
        region: Key of the region.
        index: Place of the shape in the region's list.
        mirrored: Whether it was the mirror image.
        handle: ``body`` moves, ``size`` grows all radii, other names are those of ``outlines.Handle``.
        by: (x, y) in pixels of the reference frame; ``size`` reads x alone.
        key: Whether it was a key. A shape on landmarks then goes on to the next landmark in this direction.
    """

    region: str
    index: Annotated[int, Field(ge=0)]
    mirrored: bool
    handle: str
    by: Annotated[tuple[Pixels, Pixels], Field(strict=False)]
    key: bool = False


def apply(content: dict[str, Any], document: Document, gesture: Gesture, faces: LandmarkBatch) -> dict[str, Any]:
    """Change the content of a codebook by a gesture.

    Args:
        content: The content as in the file; it is valid, and is not changed.
        document: The same, checked.
        gesture: What somebody did.
        faces: Landmarks of the face on which they did it.

    Returns:
        The new content.

    Raises:
        InputError: If the codebook has no such shape, or the shape no such handle.
    """
    region = document.regions.get(gesture.region)
    if region is None or gesture.index >= len(region.shapes):
        raise InputError(f"region {gesture.region} has no shape {gesture.index + 1}: load the page again")
    content = copy.deepcopy(content)
    entry = _entry(content, gesture)
    shape = region.shapes[gesture.index].shape
    if gesture.mirrored:
        shape = mirror_shape(shape)
    by = np.array(gesture.by)
    if isinstance(shape, Ellipse):
        _change_ellipse(entry["ellipse"], shape, gesture, by, faces)
    else:
        _change_points(entry, "polygon" if isinstance(shape, Polygon) else "gaussian", gesture, by, faces)
    return content


def _entry(content: dict[str, Any], gesture: Gesture) -> dict[str, Any]:
    """The shape's mapping in the content, in which keys of regions may be numbers."""
    (key,) = (key for key in content["regions"] if str(key) == gesture.region)
    return content["regions"][key]["shapes"][gesture.index]


def _change_ellipse(fields: dict[str, Any], shape: Ellipse, gesture: Gesture, by: np.ndarray, faces: LandmarkBatch) -> None:
    axes = {name: axis[:, 0] for name, axis in zip("xy", faces.axes(shape.rotation), strict=True)}
    match gesture.handle:
        case "body":
            offset = dict(fields.get("offset") or {})
            for name, axis in axes.items():
                moved = float(by @ axis) * (-1 if gesture.mirrored and name == "x" else 1)
                if abs(moved) > 1e-6:
                    offset[name] = plus_pixels(offset.get(name), moved, faces, unit_of(fields[f"r{name}"]))
            if offset:
                fields["offset"] = offset
        case "rx" | "ry":
            _grow(fields, gesture.handle, float(by @ axes[gesture.handle[1]]), faces)
        case "size":
            for name in ("rx", "ry"):
                _grow(fields, name, float(by[0]), faces)
        case _:
            raise _no_handle(gesture)


def _change_points(
    entry: dict[str, Any], kind: Literal["polygon", "gaussian"], gesture: Gesture, by: np.ndarray, faces: LandmarkBatch
) -> None:
    fields = entry[kind]
    landmarks = [MIRRORED[landmark] if gesture.mirrored else landmark for landmark in fields[CORNERS[kind]]]
    if gesture.handle in ("size", "width"):
        _grow(fields, SIZES[kind], float(by[0]), faces)
        return
    chosen = landmarks if gesture.handle == "body" else [mark for mark in landmarks if gesture.handle == f"landmark {mark}"]
    if not chosen:
        raise _no_handle(gesture)
    for step in range(1, FARTHEST if gesture.key else 2):
        moved = _move_landmarks(landmarks, chosen, by * step, faces.points[:, :, 0])
        if moved != landmarks:
            break
    fields[CORNERS[kind]] = [MIRRORED[landmark] if gesture.mirrored else landmark for landmark in moved]


def _move_landmarks(landmarks: list[int], chosen: list[int], by: np.ndarray, points: np.ndarray) -> list[int]:
    """Replace the chosen landmarks by those that are nearest to where they would be. Those that meet become one."""
    nearest = {mark: int(np.argmin(np.hypot(*(points - (points[mark] + by)).T))) for mark in chosen}
    return list(dict.fromkeys(nearest.get(mark, mark) for mark in landmarks))


def _grow(fields: dict[str, Any], name: str, pixels: float, faces: LandmarkBatch) -> None:
    """Add pixels to a length of a shape that must not become negative."""
    larger = plus_pixels(fields.get(name), pixels, faces)
    value = larger.get(unit_of(larger))
    if "half" in larger or value is None or value > 0:
        fields[name] = larger


def _no_handle(gesture: Gesture) -> InputError:
    return InputError(f"region {gesture.region} has no handle {gesture.handle!r}: load the page again")
