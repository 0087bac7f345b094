"""The curves of both trainings, read from the files that DVCLive wrote."""

import csv
from pathlib import Path

from pipeline.runtime.errors import InputError
from train import VARIANTS

COSINE_CURVE = "validation/att_cos"
CURVES = {  # title of the chart -> file of the curve, without its suffix
    "accuracy (validation)": "validation/accuracy",
    "cross-entropy (validation)": "validation/cross_entropy",
    "ATT-COS (validation)": COSINE_CURVE,
}
FIX = "run `aucue train` for both variants"


def read_curves(train_dir: Path) -> dict[str, dict[str, list[float]]]:
    """Read the curves of both variants.

    Args:
        train_dir: Folder of the trained variants.

    Returns:
        Title of the chart -> variant -> value per epoch. The curve of cosines is left out if neither training wrote one,
        because no validation face has a heatmap.

    Raises:
        InputError: If a curve is missing or damaged.
    """
    folders = {name: train_dir / name / "live" / "plots" / "metrics" for name in VARIANTS}
    has_cosines = any((folder / f"{COSINE_CURVE}.tsv").exists() for folder in folders.values())
    return {
        title: {name: _read_curve(folder / f"{curve}.tsv") for name, folder in folders.items()}
        for title, curve in CURVES.items()
        if curve != COSINE_CURVE or has_cosines
    }


def _read_curve(path: Path) -> list[float]:
    """The values of a DVCLive curve: a header, then a step and a value per line."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [float(value) for _, value in list(csv.reader(stream, delimiter="\t"))[1:]]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: {FIX}") from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error}): {FIX} again") from error
