"""The files of one evaluation: their writer, and their reader for the report and the tables.

``train/evaluate/stage.py`` describes the content of every file.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic, write_text
from pipeline.runtime.outputs.folder_outputs import replaced_together
from pipeline.runtime.outputs.overwriting import holding, json_with, refuse_foreign, starting_with
from pipeline.runtime.parameters import Train
from pipeline.runtime.parameters.block import present_names
from pipeline.shards import ShardSet
from train.evaluate.bootstrap import ratio_values
from train.evaluate.figures import COMPARED, HEADLINE_COSINES, RELIANCE
from train.evaluate.measurements import Predictions

METRICS, DETAILS, PREDICTIONS, MAPS = "metrics.json", "details.json", "predictions.csv", "maps.npz"
COSINES = tuple(HEADLINE_COSINES)
PREDICTION_COLUMNS = ("id", "actual", "predicted", *COSINES[:2], "confidence", *COSINES[2:], *RELIANCE)
FACES_AT_A_TIME = 1024  # whose maps are in memory a second time
DIGITS = 9  # significant digits that tell every float32 from its neighbours


OURS = {  # the kind of each file
    METRICS: json_with("accuracy", "balanced_accuracy", "att_cos"),
    DETAILS: json_with("trained", "classes"),
    PREDICTIONS: starting_with("id,actual,predicted"),
    MAPS: holding("attention.npy"),
}


@dataclass(frozen=True)
class Evaluation:
    """The files of one evaluation, read back."""

    metrics: dict[str, Any]
    details: dict[str, Any]
    predictions: list[dict[str, str]]  # rows of predictions.csv
    maps: dict[str, np.ndarray]  # arrays of maps.npz

    def per_face(self, metric: str) -> np.ndarray:
        """Return the values (N,) float64 whose mean a metric of ``figures.COMPARED`` is; NaN for a face without a value."""
        right = np.array([float(face["predicted"] == face["actual"]) for face in self.predictions])
        if metric not in (*COSINES, *RELIANCE):
            return right
        texts = [face[metric] or "nan" for face in self.predictions]
        values = np.array(texts, dtype=np.float32).astype(float)  # the very values that were measured
        return ratio_values(values, right) if metric == "enough" else values


def write(
    folder: Path,
    *,
    metrics: Mapping[str, Any],
    details: Mapping[str, Any],
    predictions: Predictions,
    faces: ShardSet,
    classes: tuple[str, ...],
) -> None:
    """Write all files of an evaluation. They replace an earlier evaluation together; details.json marks a whole one."""
    with replaced_together(folder, DETAILS) as building:
        write_json(building / METRICS, metrics)
        write_predictions(building / PREDICTIONS, predictions, faces.column("id")[predictions.rows], classes)
        write_maps(building / MAPS, predictions, classes)
        write_json(building / DETAILS, details)


def refuse_foreign_files(folder: Path) -> None:
    """Raise InputError if an evaluation would replace a file of another kind."""
    for name, is_ours in OURS.items():
        refuse_foreign(folder / name, is_ours)


def write_predictions(path: Path, predictions: Predictions, ids: np.ndarray, classes: tuple[str, ...]) -> None:
    """Write predictions.csv for the faces of ``ids`` (N,); numbers are exact as float32."""
    cosines = {name: predictions.cosine(kind) for name, kind in HEADLINE_COSINES.items()}
    none = np.full(len(ids), np.nan)
    answers = {name: getattr(predictions.reliance, name, none) for name in RELIANCE}
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, PREDICTION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for i, (face, actual, predicted) in enumerate(zip(ids, predictions.actual, predictions.predicted, strict=True)):
            row = {"id": face, "actual": classes[actual], "predicted": classes[predicted]}
            row["confidence"] = _number(predictions.confidence[i])
            row |= {name: _number(values[i]) for name, values in (cosines | answers).items()}
            writer.writerow(row)


def write_maps(path: Path, predictions: Predictions, classes: tuple[str, ...]) -> None:
    """Write maps.npz."""
    stacks = {"attention": predictions.attention, "cam": predictions.cam, "true": predictions.true}
    arrays: dict[str, Any] = {name: _as_bytes(maps) for name, maps in stacks.items()}
    for name, maps in stacks.items():
        means = np.zeros((len(classes), *maps.shape[1:]), np.float32)
        for index in range(len(classes)):
            members = np.flatnonzero((predictions.actual == index) & predictions.has_map)
            if members.size:
                means[index] = _mean_map(maps, members)
        arrays[f"mean_{name}"] = means
    arrays |= {"rows": predictions.rows, "has_map": predictions.has_map, "classes": np.array(classes)}
    with atomic(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _as_bytes(maps: np.ndarray) -> np.ndarray:
    """Maps (N, n, n) in [0, 1] as uint8, where 255 stands for 1."""
    stored = np.empty(maps.shape, np.uint8)
    for start in range(0, len(maps), FACES_AT_A_TIME):
        stored[start : start + FACES_AT_A_TIME] = np.rint(maps[start : start + FACES_AT_A_TIME] * 255)
    return stored


def _mean_map(maps: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The mean map (n, n) of some faces, with the very sums that ``maps[members].mean(axis=0)`` has, but no copy of all."""
    total = np.zeros(maps.shape[1:], maps.dtype)
    for start in range(0, len(members), FACES_AT_A_TIME):
        part = maps[members[start : start + FACES_AT_A_TIME]]
        total = np.concatenate([total[None], part]).sum(axis=0)  # one face after another, as a sum over all does
    return np.true_divide(total, np.intp(len(members)), out=total, casting="unsafe")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON. NaN and infinities are a ValueError, because JSON has no word for them."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _number(value: float | np.floating) -> str:
    """A float32 as text that reads back as the same float32; empty for NaN."""
    return "" if np.isnan(value) else f"{value:.{DIGITS}g}"


def read(folder: Path, fix: str) -> Evaluation:
    """Read an evaluation.

    Args:
        folder: The folder that ``write`` wrote.
        fix: The commands that make the evaluation, with which every error message ends.

    Raises:
        InputError: If a file is missing, damaged or without a figure that this version needs.
    """
    try:
        with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as stream:
            predictions = list(csv.DictReader(stream))
        with np.load(folder / MAPS, allow_pickle=False) as archive:
            maps = dict(archive)
        metrics = _json_object(METRICS, (folder / METRICS).read_text(encoding="utf-8"))
        details = parse_details((folder / DETAILS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        missing_path = error.filename if folder.is_dir() else folder
        raise InputError(f"{missing_path} does not exist: {fix}, or give its path") from error
    except (ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{folder} cannot be read ({error}): {fix} again") from error
    missing = [name for name in COMPARED if name not in metrics]
    missing += [name for name in PREDICTION_COLUMNS if predictions and name not in predictions[0]]
    if missing:
        raise InputError(f"{folder} has no {missing[0]}, so it is of an earlier version: {fix} again")
    if "has_map" not in maps:  # written by the former version
        maps["has_map"] = np.array([bool(face["att_cos"]) for face in predictions])
    return Evaluation(metrics, details, predictions, maps)


def parse_details(text: str | bytes) -> dict[str, Any]:
    """Parse details.json, and give the parameters of the training their present names.

    Raises:
        ValueError: If the text is no JSON object.
    """
    details = _json_object(DETAILS, text)
    trained = details.get("trained")
    if isinstance(trained, dict) and isinstance(trained.get("train"), dict):
        trained["train"] = present_names(Train, trained["train"])
    return details


def _json_object(name: str, text: str | bytes) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds no JSON object")
    return content
