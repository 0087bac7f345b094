"""Aggregates of what the decisions lean on (``train.evaluate.reliance.measure``): parts of metrics.json and details.json.

Figures are means over faces, and not over expressions as those of the maps: a decision counts as often as it is made.
"""

from typing import Any

import numpy as np

from train.attribution.donors import Donors
from train.evaluate.bootstrap import Interval, percentile_interval, ratio_values
from train.evaluate.figures import RELIANCE
from train.evaluate.measurements import Predictions, known_mean


def per_face(predictions: Predictions) -> dict[str, np.ndarray]:
    """Return the values (N,) whose means are the figures ``needed``, ``enough`` and ``leak``; all NaN if not measured."""
    reliance = predictions.reliance
    if reliance is None:
        return dict.fromkeys(RELIANCE, np.full(len(predictions.rows), np.nan))
    whole = (predictions.predicted == predictions.actual).astype(float)
    return {"needed": reliance.needed, "enough": ratio_values(reliance.enough, whole), "leak": reliance.leak}


def headline(predictions: Predictions) -> dict[str, float | None]:
    """Compute ``needed``, ``enough`` and ``leak``; None where no face tells."""
    return {name: known_mean(values) for name, values in per_face(predictions).items()}


def intervals(predictions: Predictions) -> dict[str, Interval | None]:
    """Compute the bootstrap intervals of the headline figures."""
    return {name: _interval(values, predictions) for name, values in per_face(predictions).items()}


def details(
    predictions: Predictions, donors: Donors | None, unit_keys: tuple[str, ...], classes: tuple[str, ...]
) -> dict[str, Any] | None:
    """Collect everything that is measured on the decisions.

    Returns:
        ``donors``: their number to draw from and their split; ``faces``: how many faces with action units were measured;
        the intervals of ``needed`` with each fill, of ``enough``, of ``leak``, and of the exclusive regions; ``falls``:
        actual expression -> expression whose regions show a donor -> mean fall; ``units``: expression -> action unit ->
        mean fall; ``per_expression``: the intervals of needed. None if nothing was measured.
    """
    reliance = predictions.reliance
    if reliance is None or donors is None:
        return None
    known = ~np.isnan(reliance.needed)
    of_class = {name: known & (predictions.actual == index) for index, name in enumerate(classes)}
    difference = reliance.exclusive_own - reliance.exclusive_other
    return {
        "donors": {"split": donors.split, "faces": donors.count},
        "faces": int(known.sum()),
        **intervals(predictions),
        "needed_blurred": _interval(reliance.needed_blurred, predictions),
        "needed_mean_colour": _interval(reliance.needed_mean, predictions),
        "exclusive": {
            "faces": int((~np.isnan(difference)).sum()),
            "own": _interval(reliance.exclusive_own, predictions),
            "other": _interval(reliance.exclusive_other, predictions),
            "difference": _interval(difference, predictions),
        },
        "falls": {name: _means(reliance.falls[members], classes) for name, members in of_class.items() if members.any()},
        "units": {
            name: _means(reliance.falls_of_units[members], unit_keys) for name, members in of_class.items() if members.any()
        },
        "per_expression": {
            name: _interval(np.where(members, reliance.needed, np.nan), predictions)
            for name, members in of_class.items()
            if members.any()
        },
    }


def _means(values: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """The means of the columns (N, len(names)) that have any value."""
    columns = {name: values[:, place] for place, name in enumerate(names[: values.shape[1]])}
    return {name: mean for name, column in columns.items() if (mean := known_mean(column)) is not None}


def _interval(values: np.ndarray, predictions: Predictions) -> Interval | None:
    return percentile_interval(values, predictions.actual, macro=False)
