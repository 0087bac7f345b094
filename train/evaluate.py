"""Stage evaluate: what a trained variant does on the test faces.

``metrics.json``   the headline figures; cosines are means per expression, then over expressions (macro)
``details.json``   the same per expression, the confusion matrix, and the controls that tell what a cosine means
``predictions.csv``  one row per test face: id, actual, predicted, att_cos, cam_cos (empty without a map)
``maps.npz``       per face, in the order of predictions.csv: rows (N,) of the shard set, and attention, cam and true
                   (N, n, n) uint8, 255 being 1; per class: classes (K,), mean_attention, mean_cam, mean_true (K, n, n)
                   float32, zeros where a class has no map
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score
from torch import Tensor

from pipeline.errors import InputError
from pipeline.files import atomic, write_text
from pipeline.params import Evaluate
from pipeline.progress import progress
from pipeline.shards import ShardSet
from train import model
from train.alignment import cosine, resize_in_range
from train.augment import whole_view
from train.data import Faces, in_batches, loader, open_shards
from train.metrics import attention_cosine, attention_map, cam_cosine, cam_map, normalise
from train.model import Classifier


@dataclass
class Predictions:
    """Everything measured on the test faces, row by row; cosines are NaN where a face has no map."""

    rows: np.ndarray  # (N,)
    actual: np.ndarray  # (N,) index into the classes
    predicted: np.ndarray  # (N,)
    has_map: np.ndarray  # (N,) bool
    att_cos: np.ndarray  # (N, layers)
    cam_cos: np.ndarray  # (N,)
    attention: np.ndarray  # (N, n, n) in [0, 1], the last layer's
    cam: np.ndarray  # (N, n, n) in [0, 1], of the actual class
    true: np.ndarray  # (N, n, n) in [0, 1]
    layer_sizes: tuple[tuple[int, int], ...]  # (h, w) of each layer


def main(params: Evaluate, checkpoint: Path, faces_dir: Path, heatmaps_dir: Path, out_dir: Path) -> dict:
    """Evaluate a checkpoint on the test split and write the files above; returns the content of ``metrics.json``."""
    classifier, config = model.load(checkpoint)
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    if config.heatmaps != heatmaps.stamp:
        raise InputError(f"{checkpoint} was trained on other heatmaps than {heatmaps_dir}: run `aucue train` again")
    test = Faces(faces, heatmaps, "test", config.classes)
    predictions = predict(classifier, test, config.train["input_size"], params.batch_size)
    scores = score(predictions, config.classes)
    means, numbers = class_means(Faces(faces, heatmaps, "train", config.classes), config.classes)
    metrics = {**scores["macro"], "faces": len(test), "photos": test.photos, "faces_with_map": int(test.has_map.sum())}
    details = {
        "trained": vars(config),
        "classes": config.classes,
        **{name: scores[name] for name in ("att_cos_of_layer", "per_expression", "confusion")},
        "controls": controls(predictions, means, numbers, config.classes),
        "own_expression": own_expression(predictions, means, numbers, config.classes),
    }
    write_text(out_dir / "metrics.json", json.dumps(metrics, indent=1, allow_nan=False) + "\n")
    write_text(out_dir / "details.json", json.dumps(details, indent=1, allow_nan=False) + "\n")
    _write_predictions(out_dir / "predictions.csv", predictions, faces, config.classes)
    _write_maps(out_dir / "maps.npz", predictions, config.classes)
    return metrics


@torch.no_grad()
def predict(classifier: Classifier, faces: Faces, input_size: int, batch_size: int) -> Predictions:
    """Run the classifier over all faces once."""
    columns: dict[str, list[Tensor]] = {}
    batches = loader(faces, in_batches(range(len(faces)), batch_size))
    for batch in progress(batches, total=len(batches), title="evaluate", unit="batches"):
        view = whole_view(batch, input_size)
        logits, features, maps, _ = classifier(view.images)
        heatmaps, size = view.heatmaps, view.heatmaps.shape[2:]
        cams = maps[torch.arange(len(maps)), batch.targets]
        without = ~batch.has_map
        measured = {
            "rows": batch.rows,
            "actual": batch.targets,
            "predicted": logits.argmax(dim=1),
            "has_map": batch.has_map,
            "att_cos": torch.stack([attention_cosine(layer, heatmaps) for layer in features], dim=1),
            "cam_cos": cam_cosine(cams, heatmaps),
            "attention": normalise(attention_map(features[-1], size))[:, 0],
            "cam": cam_map(cams, size)[:, 0],
            "true": heatmaps[:, 0],
        }
        measured["att_cos"][without] = torch.nan
        measured["cam_cos"][without] = torch.nan
        for name, value in measured.items():
            columns.setdefault(name, []).append(value)
    sizes = tuple(tuple(layer.shape[2:]) for layer in features)
    return Predictions(**{name: torch.cat(values).numpy() for name, values in columns.items()}, layer_sizes=sizes)


def score(predictions: Predictions, classes: tuple[str, ...]) -> dict:
    """``macro`` figures, ATT-COS per layer (macro), cosines and recall per expression, and confusion counts by actual class
    and then by predicted class."""
    actual, predicted = predictions.actual, predictions.predicted
    att_cos = [
        _per_class(predictions.att_cos[:, layer], predictions, classes) for layer in range(predictions.att_cos.shape[1])
    ]
    cam_cos = _per_class(predictions.cam_cos, predictions, classes)
    counts = confusion_matrix(actual, predicted, labels=range(len(classes)))
    per_expression = {
        name: {
            "faces": int((actual == index).sum()),
            "recall": float((predicted[actual == index] == index).mean()) if (actual == index).any() else None,
            "att_cos": att_cos[-1].get(name),
            "cam_cos": cam_cos.get(name),
        }
        for index, name in enumerate(classes)
    }
    macro = {
        "accuracy": accuracy_score(actual, predicted),
        "balanced_accuracy": balanced_accuracy_score(actual, predicted),
        "macro_f1": f1_score(actual, predicted, average="macro"),
        "att_cos": _mean(att_cos[-1]),
        "cam_cos": _mean(cam_cos),
    }
    att_cos_of_layer = {layer: _mean(values) for layer, values in enumerate(att_cos, start=1)}
    confusion = {name: {other: int(counts[i, j]) for j, other in enumerate(classes)} for i, name in enumerate(classes)}
    return {
        "macro": macro,
        "att_cos_of_layer": att_cos_of_layer,
        "per_expression": per_expression,
        "confusion": confusion,
    }


def class_means(train: Faces, classes: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """The mean map of every class's training faces (K, n, n) in [0, 1], zeros without any, and their numbers (K,)."""
    sums, numbers = torch.zeros(len(classes), *train.heatmap(0).shape), torch.zeros(len(classes))
    for index in np.flatnonzero(train.has_map):
        sums[train.targets[index]] += train.heatmap(index) / 255
        numbers[train.targets[index]] += 1
    return sums / numbers.clamp(min=1)[:, None, None], numbers


def controls(predictions: Predictions, means: Tensor, numbers: Tensor, classes: tuple[str, ...]) -> dict[str, float | None]:
    """Macro cosines, with each test face's own map, of maps that no network made.

    ``training_mean``: the mean map of all training faces, the same for every face. ``class_mean``: the mean map of the
    training faces of the actual class. ``ceiling``: the map itself, shrunk to the last layer's size and enlarged again,
    which is about the best that an attention map of that size can reach.
    """
    true = torch.from_numpy(predictions.true)[:, None]
    overall = (means * numbers[:, None, None]).sum(dim=0) / numbers.sum().clamp(min=1)
    candidates = {
        "training_mean": overall.expand_as(true),
        "class_mean": means[predictions.actual][:, None],
        "ceiling": resize_in_range(resize_in_range(true, predictions.layer_sizes[-1]), true.shape[2:]),
    }
    return {name: _mean(_per_class(cosine(maps, true).numpy(), predictions, classes)) for name, maps in candidates.items()}


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
    rates = _per_class((closest == predictions.actual).astype(float), predictions, classes)
    return {"rate": _mean(rates), "chance": 1 / len(candidates)}


def _per_class(values: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> dict[str, float]:
    """Mean over each class's faces that have a map; classes without any are left out."""
    members = {name: values[(predictions.actual == i) & predictions.has_map] for i, name in enumerate(classes)}
    return {name: float(found.mean()) for name, found in members.items() if found.size}


def _mean(values: Mapping[str, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None


def _write_predictions(path: Path, predictions: Predictions, faces: ShardSet, classes: tuple[str, ...]) -> None:
    ids = faces.column("id")[predictions.rows]
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "actual", "predicted", "att_cos", "cam_cos"])
        for i, (name, actual, predicted) in enumerate(zip(ids, predictions.actual, predictions.predicted, strict=True)):
            cosines = [predictions.att_cos[i, -1], predictions.cam_cos[i]] if predictions.has_map[i] else []
            shown = [f"{value:.4f}" for value in cosines] or ["", ""]
            writer.writerow([name, classes[actual], classes[predicted], *shown])


def _write_maps(path: Path, predictions: Predictions, classes: tuple[str, ...]) -> None:
    stacks = {"attention": predictions.attention, "cam": predictions.cam, "true": predictions.true}
    arrays = {name: np.rint(maps * 255).astype(np.uint8) for name, maps in stacks.items()}
    for name, maps in stacks.items():
        means = np.zeros((len(classes), *maps.shape[1:]), np.float32)
        for index in range(len(classes)):
            members = (predictions.actual == index) & predictions.has_map
            if members.any():
                means[index] = maps[members].mean(axis=0)
        arrays[f"mean_{name}"] = means
    with atomic(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, rows=predictions.rows, classes=np.array(classes), **arrays)
