"""The tables of single faces that the stage evaluate writes; train/evaluate.py says what is in them."""

import csv
from pathlib import Path

import numpy as np

from pipeline.runtime.files import atomic
from pipeline.shards import ShardSet
from train.evaluate.aggregate import Predictions
from train.evaluate.artifacts import PREDICTION_COLUMNS
from train.evaluate.figures import HEADLINE_COSINES


def write_predictions(path: Path, predictions: Predictions, faces: ShardSet, classes: tuple[str, ...]) -> None:
    """``predictions.csv``."""
    ids = faces.column("id")[predictions.rows]
    cosines = {name: predictions.measure("cos", kind) for name, kind in HEADLINE_COSINES.items()}
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, PREDICTION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for i, (name, actual, predicted) in enumerate(zip(ids, predictions.actual, predictions.predicted, strict=True)):
            row = {"id": name, "actual": classes[actual], "predicted": classes[predicted]}
            row["confidence"] = f"{predictions.confidence[i]:.4f}"
            row |= {key: "" if np.isnan(values[i]) else f"{values[i]:.4f}" for key, values in cosines.items()}
            writer.writerow(row)


def write_maps(path: Path, predictions: Predictions, classes: tuple[str, ...]) -> None:
    """``maps.npz``."""
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
