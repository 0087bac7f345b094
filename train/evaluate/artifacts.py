"""The files of one evaluation, as train/evaluate.py describes them, read back for the report and the tables."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from train.evaluate.figures import COMPARED, HEADLINE_COSINES

COSINES = tuple(HEADLINE_COSINES)
PREDICTION_COLUMNS = ("id", "actual", "predicted", *COSINES[:2], "confidence", *COSINES[2:])


@dataclass(frozen=True)
class Result:
    """An evaluation as it was read back."""

    metrics: dict
    details: dict
    predictions: list[dict[str, str]]
    maps: dict[str, np.ndarray]

    def per_face(self, metric: str) -> np.ndarray:
        """The values (N,) whose mean a metric of headline.COMPARED is; NaN where a face has none."""
        if metric in COSINES:
            return np.array([float(face[metric] or "nan") for face in self.predictions])
        return np.array([float(face["predicted"] == face["actual"]) for face in self.predictions])


def read(folder: Path, mend: str) -> Result:
    """Read what was written. Raises InputError, which ends in ``mend``, for what is missing, damaged or of an earlier
    version."""
    try:
        with open(folder / "predictions.csv", encoding="utf-8", newline="") as stream:
            predictions = list(csv.DictReader(stream))
        with np.load(folder / "maps.npz", allow_pickle=False) as archive:
            maps = dict(archive)
        metrics, details = (read_json(folder / name) for name in ("metrics.json", "details.json"))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename} does not exist: {mend}") from error
    except (ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{folder} cannot be read ({error}): {mend} again") from error
    missing = [name for name in COMPARED if name not in metrics]
    missing += [name for name in PREDICTION_COLUMNS if predictions and name not in predictions[0]]
    if missing:
        raise InputError(f"{folder} has no {missing[0]}, so it is of an earlier version: {mend} again")
    return Result(metrics, details, predictions, maps)


def read_json(path: Path) -> dict:
    """Raises ValueError for what is no JSON object."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return content


def write_json(path: Path, content: dict) -> None:
    """Infinities and NaN are refused: no reader of JSON has to know them."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
