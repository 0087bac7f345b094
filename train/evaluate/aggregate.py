"""What the figures of single faces add up to. Means are macro: per expression over its faces, then over expressions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score
from torch import Tensor

from train.data.dataset import Faces
from train.evaluate.bootstrap import interval
from train.evaluate.figures import HEADLINE_COSINES
from train.evaluate.metrics import calibration
from train.explain.prediction_maps import LAYERS, at_resolution
from train.models.maps import cosine

MEASURES = ("cos", "energy", "pointing", "iou")


@dataclass
class Predictions:
    """Everything measured on the test faces, row by row; what is measured of maps is NaN where a face has none."""

    rows: np.ndarray  # (N,)
    actual: np.ndarray  # (N,) index into the classes
    predicted: np.ndarray  # (N,)
    confidence: np.ndarray  # (N,) probability of the predicted class
    has_map: np.ndarray  # (N,) bool
    measures: dict[str, np.ndarray]  # of MEASURES, with its kind, as cos.layer5: (N,)
    attention: np.ndarray  # (N, n, n) in [0, 1], the last layer's
    cam: np.ndarray  # (N, n, n) in [0, 1], of the actual class; Grad-CAM's where the method has none of its own
    true: np.ndarray  # (N, n, n) in [0, 1]
    sizes: dict[str, tuple[int, int]]  # (h, w) that each kind of map had
    units: dict[str, np.ndarray] = field(default_factory=dict)  # kind -> (N, U), of units.measure
    moved: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # kind -> the rest of units.measure: (N,)
    faithfulness: dict[str, np.ndarray] = field(default_factory=dict)  # insertion, deletion: (N,)

    def measure(self, name: str, kind: str) -> np.ndarray:
        """(N,), NaN where there is none, or no such map at all."""
        return self.measures.get(f"{name}.{kind}", np.full(len(self.rows), np.nan))


def score(predictions: Predictions, classes: tuple[str, ...]) -> dict:
    """The headline figures under ``macro``, and what details.json says of maps, expressions, confusion and calibration."""
    actual, predicted = predictions.actual, predictions.predicted
    counts = confusion_matrix(actual, predicted, labels=range(len(classes)))
    error, bins = calibration(predictions.confidence, predicted == actual)
    cosines = {name: predictions.measure("cos", kind) for name, kind in HEADLINE_COSINES.items()}
    macro = {
        "accuracy": accuracy_score(actual, predicted),
        "balanced_accuracy": balanced_accuracy_score(actual, predicted),
        "macro_f1": f1_score(actual, predicted, average="macro"),
        **{name: mean(per_class(values, predictions, classes)) for name, values in cosines.items()},
        "ece": error,
    }
    return {
        "macro": macro,
        "intervals": intervals(actual, predicted, cosines),
        "att_cos_of_layer": {
            layer: mean(per_class(predictions.measure("cos", kind), predictions, classes))
            for kind, layer in LAYERS.items()
            if kind in predictions.sizes
        },
        "per_expression": {name: _expression(index, predictions, classes) for index, name in enumerate(classes)},
        "confusion": {name: {other: int(counts[i, j]) for j, other in enumerate(classes)} for i, name in enumerate(classes)},
        "calibration": {"ece": error, "bins": bins},
    }


def intervals(actual: np.ndarray, predicted: np.ndarray, cosines: Mapping[str, np.ndarray]) -> dict[str, dict | None]:
    """Every headline figure that is a mean over faces, with its interval."""
    right = (actual == predicted).astype(float)
    found = {"accuracy": interval(right, actual, macro=False), "balanced_accuracy": interval(right, actual, macro=True)}
    return found | {name: interval(values, actual, macro=True) for name, values in cosines.items()}


def of_kinds(predictions: Predictions, classes: tuple[str, ...], found: Mapping[str, dict]) -> dict[str, dict]:
    """Per kind of map: its own size, every measure, and its controls."""
    return {
        kind: {
            "size": list(size),
            **{name: mean(per_class(predictions.measure(name, kind), predictions, classes)) for name in MEASURES},
            "controls": found[kind],
        }
        for kind, size in predictions.sizes.items()
    }


def _expression(index: int, predictions: Predictions, classes: tuple[str, ...]) -> dict:
    members = predictions.actual == index
    name = classes[index]
    kinds = {
        kind: {
            measure: per_class(predictions.measure(measure, kind), predictions, classes).get(name) for measure in MEASURES
        }
        for kind in predictions.sizes
    }
    return {
        "faces": int(members.sum()),
        "faces_with_map": int((members & predictions.has_map).sum()),
        "recall": float((predictions.predicted[members] == index).mean()) if members.any() else None,
        "att_cos": kinds["layer5"]["cos"],
        "cam_cos": kinds.get("cam", {}).get("cos"),
        "maps": kinds,
    }


def class_means(train: Faces, classes: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """The mean map of every class's training faces (K, n, n) in [0, 1], zeros without any, and their numbers (K,)."""
    sums, numbers = torch.zeros(len(classes), *train.heatmap(0).shape), torch.zeros(len(classes))
    for index in np.flatnonzero(train.has_map):
        sums[train.targets[index]] += train.heatmap(index) / 255
        numbers[train.targets[index]] += 1
    return sums / numbers.clamp(min=1)[:, None, None], numbers


def controls(
    predictions: Predictions, means: Tensor, numbers: Tensor, classes: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """Per kind, macro cosines with each test face's own map of maps that no network made, at the kind's own resolution.

    ``training_mean``: the mean map of all training faces, the same for every face. ``class_mean``: the mean map of the
    training faces of the actual class. ``ceiling``: the face's own map, which is about the best that can be reached.
    """
    true = torch.from_numpy(predictions.true)[:, None]
    overall = (means * numbers[:, None, None]).sum(dim=0) / numbers.sum().clamp(min=1)
    known: dict[tuple, dict[str, float | None]] = {}
    for kind, size in predictions.sizes.items():
        alike = (kind in LAYERS, size)
        if alike not in known:
            of_class = at_resolution(kind, means[:, None], size)[predictions.actual]
            constant = at_resolution(kind, overall[None, None], size).expand_as(true)
            candidates = {"training_mean": constant, "class_mean": of_class, "ceiling": at_resolution(kind, true, size)}
            known[alike] = {
                name: mean(per_class(cosine(maps, true).numpy(), predictions, classes)) for name, maps in candidates.items()
            }
    return {kind: known[kind in LAYERS, size] for kind, size in predictions.sizes.items()}


def own_expression(predictions: Predictions, means: Tensor, numbers: Tensor, classes: tuple[str, ...]) -> dict:
    """Does attention tell expressions apart? ``rate``: the share of faces with a map, macro over expressions, whose
    attention is closer to the mean training map of their own expression than to that of any other; ``chance`` is that of
    attention which does not know the expression."""
    candidates = torch.nonzero(numbers).flatten()
    attention = torch.from_numpy(predictions.attention)[:, None]
    if not len(candidates):
        return {"rate": None, "chance": None}
    cosines = torch.stack([cosine(attention, means[index].expand_as(attention)) for index in candidates], dim=1)
    closest = candidates[cosines.argmax(dim=1)].numpy()
    rates = per_class((closest == predictions.actual).astype(float), predictions, classes)
    return {"rate": mean(rates), "chance": 1 / len(candidates)}


def per_class(values: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> dict[str, float]:
    """Mean over each class's faces that have a map and a value; classes without any are left out."""
    counted = predictions.has_map & ~np.isnan(values)
    members = {name: values[(predictions.actual == i) & counted] for i, name in enumerate(classes)}
    return {name: float(found.mean()) for name, found in members.items() if found.size}


def mean(values: Mapping[str, float]) -> float | None:
    """Of the classes; None without any."""
    return float(np.mean(list(values.values()))) if values else None
