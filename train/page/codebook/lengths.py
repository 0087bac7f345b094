"""Change the lengths of a codebook's content by pixels on a face, each in its own unit."""

from typing import Any

import numpy as np

from pipeline.codebook.geometry import Length
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.runtime.errors import InputError

UNITS = ("iod", "px", "width", "height")
DIGITS = {"px": 1, "iod": 3, "width": 4, "height": 4}  # after the point: some tenth of a pixel, finer than any heatmap


def pixels_per(unit: str, faces: LandmarkBatch) -> float:
    """Measure a unit on a face, in pixels of the reference frame."""
    exact = LandmarkBatch(faces.points, faces.sizes, whole_pixels=False)  # one unit would be rounded to a whole pixel
    return float(exact.length(Length.model_validate({unit: 1.0}))[0])


def plus_pixels(length: dict[str, Any] | None, pixels: float, faces: LandmarkBatch, unit: str = "iod") -> dict[str, Any]:
    """Add pixels to a length.

    Args:
        length: A valid length as in the file, or None for 0.
        pixels: What to add, measured on the face.
        faces: Landmarks of one face.
        unit: Unit for a length that has none of its own yet.

    Returns:
        The length in its own unit. ``half`` stays, and its ``plus`` changes; where ``otherwise`` counts, that changes.
    """
    if not length:
        return {unit: _rounded(pixels / pixels_per(unit, faces), unit)}
    if "half" not in length:
        (unit,) = (name for name in UNITS if length.get(name) is not None)
        return {**length, unit: _rounded(length[unit] + pixels / pixels_per(unit, faces), unit)}
    plain = {name: value for name, value in length.items() if name != "otherwise"}
    if length.get("otherwise") and float(faces.length(Length.model_validate(plain))[0]) <= 0:
        return {**length, "otherwise": plus_pixels(length["otherwise"], pixels, faces)}
    return {**length, "plus": plus_pixels(length.get("plus"), 2 * pixels, faces, unit)}  # it is halved with the distance


def in_unit(length: dict[str, Any], unit: str, faces: LandmarkBatch) -> dict[str, Any]:
    """Write a length in another unit, so that it stays as long on this face.

    Raises:
        InputError: If there is no such unit.
    """
    if unit not in UNITS:
        raise InputError(f"there is no unit {unit!r}: choose one of {', '.join(UNITS)}")
    pixels = float(np.ravel(faces.length(Length.model_validate(length)))[0])
    return {unit: _rounded(pixels / pixels_per(unit, faces), unit)}


def unit_of(length: dict[str, Any] | None) -> str:
    """The unit of a length; ``iod`` if it has none of its own."""
    return next((name for name in UNITS if length and length.get(name) is not None), "iod")


def _rounded(value: float, unit: str) -> float:
    rounded = round(float(value), DIGITS[unit])
    return int(rounded) if rounded == int(rounded) else rounded
