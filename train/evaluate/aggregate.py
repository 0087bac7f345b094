"""Aggregates of the measurements of single faces: the content of metrics.json and details.json.

Means are macro where nothing else is said: the mean per expression over its faces, then the mean over expressions. Means of
map measures count the faces that have a heatmap.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch import Tensor

from pipeline.runtime.progress import SILENT_SECONDS, progress
from train.attribution.prediction_maps import LAYERS, at_resolution
from train.data.dataset import Faces
from train.evaluate.bootstrap import Interval, percentile_interval
from train.evaluate.figures import HEADLINE_COSINES
from train.evaluate.measurements import Predictions, known_mean
from train.evaluate.metrics import calibration
from train.models.maps import cosine

FACES_AT_A_TIME = 1024  # whose maps are in memory several times


class ClassMeanMaps(NamedTuple):
    """The mean heatmap of the training faces of each of K classes."""

    maps: Tensor  # (K, n, n) in [0, 1], zeros for a class without any heatmap
    faces: Tensor  # (K,) number of faces with a heatmap

    def overall(self) -> Tensor:
        """Return the mean heatmap (n, n) of all training faces."""
        return (self.maps * self.faces[:, None, None]).sum(dim=0) / self.faces.sum().clamp(min=1)


def headline_metrics(predictions: Predictions, classes: tuple[str, ...]) -> dict[str, float | None]:
    """Compute the figures of metrics.json that are not counts of faces; a cosine without any value is None.

    The balanced accuracy and the macro F1 are means over the classes that have test faces.
    """
    actual, predicted = predictions.actual, predictions.predicted
    present = np.unique(actual)
    counts = confusion_matrix(actual, predicted, labels=range(len(classes)))[present]
    cosines = {name: macro_mean(predictions.cosine(kind), predictions, classes) for name, kind in HEADLINE_COSINES.items()}
    return {
        "accuracy": accuracy_score(actual, predicted),
        "balanced_accuracy": float((counts[range(len(present)), present] / counts.sum(axis=1)).mean()),
        "macro_f1": f1_score(actual, predicted, labels=present, average="macro", zero_division=0),
        **cosines,
        "ece": calibration(predictions.confidence, predicted == actual)[0],
    }


def classification_details(predictions: Predictions, classes: tuple[str, ...]) -> dict[str, dict]:
    """Compute the parts of details.json on intervals, layers, expressions, confusion and calibration."""
    actual, predicted = predictions.actual, predictions.predicted
    counts = confusion_matrix(actual, predicted, labels=range(len(classes)))
    error, bins = calibration(predictions.confidence, predicted == actual)
    return {
        "intervals": headline_intervals(predictions),
        "att_cos_of_layer": {
            layer: macro_mean(predictions.cosine(kind), predictions, classes)
            for kind, layer in LAYERS.items()
            if kind in predictions.maps
        },
        "per_expression": {name: _expression_details(index, predictions, classes) for index, name in enumerate(classes)},
        "confusion": {name: {other: int(counts[i, j]) for j, other in enumerate(classes)} for i, name in enumerate(classes)},
        "calibration": {"ece": error, "bins": bins},
    }


def headline_intervals(predictions: Predictions) -> dict[str, Interval | None]:
    """Compute the bootstrap interval of every headline figure that is a mean over faces."""
    actual = predictions.actual
    correct = (actual == predictions.predicted).astype(float)
    cosines = HEADLINE_COSINES.items()
    listed = progress(cosines, total=len(cosines), title="intervals", unit="cosines", delay=SILENT_SECONDS)
    return {
        "accuracy": percentile_interval(correct, actual, macro=False),
        "balanced_accuracy": percentile_interval(correct, actual, macro=True),
        **{name: percentile_interval(predictions.cosine(kind), actual, macro=True) for name, kind in listed},
    }


def map_details(
    predictions: Predictions, classes: tuple[str, ...], controls: Mapping[str, dict[str, float | None]]
) -> dict[str, dict]:
    """Collect, per kind of map, its own size, the macro means of its agreement with the heatmaps, and its controls."""
    return {
        kind: {
            "size": list(measures.size),
            **{name: macro_mean(values, predictions, classes) for name, values in measures.agreement().items()},
            "controls": controls[kind],
        }
        for kind, measures in predictions.maps.items()
    }


def _expression_details(index: int, predictions: Predictions, classes: tuple[str, ...]) -> dict:
    """The entry of details.json on one class: its faces, its recall and the means of its map measures."""
    members = predictions.actual == index
    kinds = {
        kind: {
            name: means_by_class(values, predictions, classes).get(classes[index])
            for name, values in measures.agreement().items()
        }
        for kind, measures in predictions.maps.items()
    }
    return {
        "faces": int(members.sum()),
        "faces_with_map": int((members & predictions.has_map).sum()),
        "recall": float((predictions.predicted[members] == index).mean()) if members.any() else None,
        "att_cos": kinds["layer5"]["cos"],
        "cam_cos": kinds.get("cam", {}).get("cos"),
        "maps": kinds,
    }


def class_mean_maps(train: Faces, classes: tuple[str, ...]) -> ClassMeanMaps:
    """Average the heatmaps of the training faces of every class."""
    sums, numbers = torch.zeros(len(classes), *train.heatmap(0).shape), torch.zeros(len(classes))
    members = np.flatnonzero(train.has_map).tolist()
    for index in progress(members, total=len(members), title="mean heatmaps", unit="faces", delay=SILENT_SECONDS):
        sums[train.targets[index]] += train.heatmap(index) / 255
        numbers[train.targets[index]] += 1
    return ClassMeanMaps(sums / numbers.clamp(min=1)[:, None, None], numbers)


def control_cosines(
    predictions: Predictions, means: ClassMeanMaps, classes: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """Compute, per kind of map, macro cosines with the heatmaps that maps reach without any network.

    They tell how to read a cosine. Every control map has the resolution of the kind that it is compared with.

    Returns:
        Per kind: ``training_mean``, of the mean map of all training faces, which is the same for every face;
        ``class_mean``, of the mean map of the training faces of the actual class; and ``ceiling``, of the face's own
        heatmap, which is about the best cosine that can be reached at this resolution.
    """
    true = torch.from_numpy(predictions.true)[:, None]
    actuals = torch.from_numpy(predictions.actual).split(FACES_AT_A_TIME)
    known: dict[tuple[bool, tuple[int, int]], dict[str, float | None]] = {}  # kinds resized alike have the same controls
    controls = {}
    for kind, measures in predictions.maps.items():
        alike = (kind in LAYERS, measures.size)
        if alike not in known:
            shrink = partial(at_resolution, kind, size=measures.size)
            controls_of = partial(_control_maps, shrink(means.overall()[None, None]), shrink(means.maps[:, None]), shrink)
            parts = [
                {name: cosine(maps, its) for name, maps in controls_of(its, actual).items()}
                for its, actual in zip(true.split(FACES_AT_A_TIME), actuals, strict=True)
            ]
            known[alike] = {
                name: macro_mean(torch.cat([part[name] for part in parts]).numpy(), predictions, classes)
                for name in parts[0]
            }
        controls[kind] = known[alike]
    return controls


def _control_maps(
    overall: Tensor, of_classes: Tensor, shrink: Callable[[Tensor], Tensor], true: Tensor, actual: Tensor
) -> dict[str, Tensor]:
    """The control maps (B, 1, n, n) of B faces with the heatmaps ``true``."""
    return {"training_mean": overall.expand_as(true), "class_mean": of_classes[actual], "ceiling": shrink(true)}


def expression_discrimination(
    predictions: Predictions, means: ClassMeanMaps, classes: tuple[str, ...]
) -> dict[str, float | None]:
    """Measure whether attention tells expressions apart.

    Returns:
        ``rate``: the share of faces, macro over expressions, whose attention is closer to the mean training map of their
        own expression than to that of any other. ``chance``: the rate of attention that does not depend on the expression.
        Both are None without any training map.
    """
    candidates = torch.nonzero(means.faces).flatten()
    attention = torch.from_numpy(predictions.attention)[:, None]
    if not len(candidates):
        return {"rate": None, "chance": None}
    cosines = [
        torch.cat([cosine(its, means.maps[index].expand_as(its)) for its in attention.split(FACES_AT_A_TIME)])
        for index in candidates
    ]
    closest = candidates[torch.stack(cosines, dim=1).argmax(dim=1)].numpy()
    rate = macro_mean((closest == predictions.actual).astype(float), predictions, classes)
    return {"rate": rate, "chance": 1 / len(candidates)}


def faithfulness_details(predictions: Predictions, steps: int) -> dict[str, Any] | None:
    """Average insertion (from the blurred image) and deletion (to the mean colour) of the class map over all test faces."""
    if predictions.faithfulness is None:
        return None
    return {
        "map": predictions.class_map_kind,
        "steps": steps,
        "insertion_from": "blurred image",
        "deletion_to": "mean colour",
        "insertion": known_mean(predictions.faithfulness.insertion),
        "deletion": known_mean(predictions.faithfulness.deletion),
    }


def means_by_class(values: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> dict[str, float]:
    """Average values (N,) over the faces of each class that have a heatmap and a value; classes without any are left out."""
    counted = predictions.has_map & ~np.isnan(values)
    by_class = {name: values[(predictions.actual == i) & counted] for i, name in enumerate(classes)}
    return {name: float(members.mean()) for name, members in by_class.items() if members.size}


def macro_mean(values: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> float | None:
    """Average the ``means_by_class`` of values (N,) over the classes; None without any."""
    means = list(means_by_class(values, predictions, classes).values())
    return float(np.mean(means)) if means else None
