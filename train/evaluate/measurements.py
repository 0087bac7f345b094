"""The predictions and measurements of single test faces, as typed arrays whose row i belongs to face i."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class MapMeasures:
    """The measurements of one kind of map on N faces. NaN stands where a face gives nothing to measure.

    ``train.evaluate.metrics`` defines the first four, ``action_units.measure_coverage`` the others.
    """

    size: tuple[int, int]  # (h, w) of these maps before they were resized to the heatmaps' size
    cosine: np.ndarray  # (N,) with the face's heatmap
    energy: np.ndarray  # (N,)
    pointing: np.ndarray  # (N,)
    iou: np.ndarray  # (N,)
    unit_concentration: np.ndarray  # (N, U) on the region of each action unit
    moved: np.ndarray  # (N,) concentration on the regions of the action units that moved
    moved_energy: np.ndarray  # (N,)
    moved_area: np.ndarray  # (N,)
    still: np.ndarray  # (N,) concentration on the listed action units that did not move

    def agreement(self) -> dict[str, np.ndarray]:
        """Return the four measures (N,) of agreement with the heatmaps under their keys in details.json."""
        return {"cos": self.cosine, "energy": self.energy, "pointing": self.pointing, "iou": self.iou}


@dataclass(frozen=True)
class Faithfulness:
    """Insertion and deletion (see ``train.attribution.faithfulness``) of the class map on N faces."""

    insertion: np.ndarray  # (N,) in [0, 1]
    deletion: np.ndarray  # (N,) in [0, 1]


@dataclass(frozen=True)
class Reliance:
    """What the decisions on N faces lean on (see ``train.evaluate.reliance.measure``).

    NaN stands where a face gives nothing to measure: for a neutral face all but ``leak``.
    """

    falls: np.ndarray  # (N, K) fall of the probability when the regions of each expression show a donor
    falls_of_units: np.ndarray  # (N, U) the same for each action unit of the own expression
    needed: np.ndarray  # (N,)
    needed_blurred: np.ndarray  # (N,) with the blurred face in the regions; NaN for faces tried with the mean colour
    needed_mean: np.ndarray  # (N,) with the mean colour in the regions; NaN for faces that were blurred
    exclusive_own: np.ndarray  # (N,)
    exclusive_other: np.ndarray  # (N,)
    enough: np.ndarray  # (N,) 1 if right, 0 if wrong
    leak: np.ndarray  # (N,) in [-1, 1]


@dataclass(frozen=True)
class Predictions:
    """Everything that is measured on N test faces."""

    rows: np.ndarray  # (N,) row of the shard set
    actual: np.ndarray  # (N,) index into the classes
    predicted: np.ndarray  # (N,) index into the classes
    confidence: np.ndarray  # (N,) probability of the predicted class
    has_map: np.ndarray  # (N,) bool, whether the face has a heatmap
    attention: np.ndarray  # (N, n, n) in [0, 1], of the last layer
    cam: np.ndarray  # (N, n, n) in [0, 1], the class map (see class_map_kind) of the actual class
    true: np.ndarray  # (N, n, n) in [0, 1], the heatmap
    maps: dict[str, MapMeasures]  # by kind of map
    faithfulness: Faithfulness | None = None  # None where it is not measured
    reliance: Reliance | None = None  # None where it is not measured

    @property
    def class_map_kind(self) -> str:
        """The kind of map that stands for a class: ``cam``, or ``gradcam`` where the method has no maps of its own."""
        return "cam" if "cam" in self.maps else "gradcam"

    def cosine(self, kind: str) -> np.ndarray:
        """Return the cosines (N,) of a kind of map with the heatmaps; all NaN if the method makes no maps of this kind."""
        return self.maps[kind].cosine if kind in self.maps else np.full(len(self.rows), np.nan)


def without_maps(predictions: Predictions, hidden: np.ndarray) -> Predictions:
    """Return predictions of which the maps of some faces count for nothing.

    Args:
        predictions: The predictions of N faces.
        hidden: (N,) bool, the faces whose class the classifier does not know: it has no class map of it. They count as faces
            without a heatmap, and every measure of their maps is NaN.
    """
    if not hidden.any():
        return predictions

    def blanked(values: np.ndarray) -> np.ndarray:
        return np.where(hidden.reshape(-1, *[1] * (values.ndim - 1)), np.array(np.nan, values.dtype), values)

    def measures_without(measures: Any) -> Any:
        values = {field.name: getattr(measures, field.name) for field in fields(measures)}
        arrays = {name: blanked(value) for name, value in values.items() if isinstance(value, np.ndarray)}
        return replace(measures, **arrays)

    return replace(
        predictions,
        has_map=predictions.has_map & ~hidden,
        cam=np.where(hidden[:, None, None], 0, predictions.cam),
        maps={kind: measures_without(measures) for kind, measures in predictions.maps.items()},
        faithfulness=predictions.faithfulness and measures_without(predictions.faithfulness),
        reliance=predictions.reliance and measures_without(predictions.reliance),
    )


def gather(batches: Iterable[T], number: int) -> T:
    """Join measurements of batches, in their order, field by field along the first axis of the arrays.

    Each batch is copied to its place as it comes, so that no array is in memory twice.

    Args:
        batches: One or more measurements, all of the same dataclass of this module. Values that are not arrays are the same
            in all of them.
        number: Number of faces of all batches.
    """
    whole: Any = None
    start = 0
    for batch in batches:
        whole = _with_room(batch, number) if whole is None else whole
        start = _fill(whole, batch, start)
    return whole


def _with_room(value: Any, number: int) -> Any:
    """The same measurements, in which arrays have room for a number of faces."""
    if isinstance(value, np.ndarray):
        return np.empty((number, *value.shape[1:]), value.dtype)
    if isinstance(value, dict):
        return {key: _with_room(each, number) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _with_room(getattr(value, field.name), number) for field in fields(value)})
    return value


def _fill(whole: Any, part: Any, start: int) -> int:
    """Copy the arrays of ``part`` into those of ``whole`` from a face on; return the place after them."""
    end = start
    if isinstance(part, np.ndarray):
        end = start + len(part)
        whole[start:end] = part
    elif isinstance(part, dict):
        end = max((_fill(whole[key], each, start) for key, each in part.items()), default=start)
    elif is_dataclass(part) and not isinstance(part, type):
        end = max(_fill(getattr(whole, field.name), getattr(part, field.name), start) for field in fields(part))
    return end


def known_mean(values: np.ndarray) -> float | None:
    """Return the mean of the values that are not NaN; None without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
