"""Means of the maps' concentration on action units: the parts of details.json about single units and about movement."""

import numpy as np

from train.evaluate.action_units import ActionUnitRegions
from train.evaluate.measurements import Predictions, known_mean


def coverage_by_expression(
    predictions: Predictions, units: ActionUnitRegions, classes: tuple[str, ...]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Compute mean concentrations per expression, per action unit that the codebook lists for it, and per kind of map.

    Expressions without any face with a heatmap are left out.
    """
    coverage = {}
    for index, name in enumerate(classes):
        members = (predictions.actual == index) & predictions.has_map
        listed = np.flatnonzero(units.listed[index].numpy()).tolist()
        if members.any() and listed:
            coverage[name] = {units.keys[unit]: _mean_by_kind(predictions, unit, members) for unit in listed}
    return coverage


def coverage_by_unit(predictions: Predictions, units: ActionUnitRegions) -> dict[str, dict]:
    """Compare the concentration on each action unit between faces whose expression lists it and the other faces.

    A map that concentrates on a unit as much on both follows a place of the face, not an expression.

    Returns:
        Per unit: its ``name``, and per kind of map the mean concentration over the faces whose expression lists the unit
        (``listed``) and over the others (``not_listed``). Faces without a heatmap do not count.
    """
    lists = units.listed.numpy()[predictions.actual]  # (N, U)
    return {
        key: {
            "name": units.names[unit],
            "listed": _mean_by_kind(predictions, unit, lists[:, unit] & predictions.has_map),
            "not_listed": _mean_by_kind(predictions, unit, ~lists[:, unit] & predictions.has_map),
        }
        for unit, key in enumerate(units.keys)
    }


def movement_coverage(predictions: Predictions) -> dict | None:
    """Compute how strongly maps lie on the regions that moved, over the faces whose moved units are known.

    Returns:
        The number of these ``faces``, the mean share of the frame that moved (``area``), and per kind of map the share of
        the map there (``energy``), the concentration there (``moved``) and on the listed units that did not move
        (``still``). None where the dataset does not know what moved.
    """
    first = next(iter(predictions.maps.values()), None)
    if first is None or np.isnan(first.moved).all():
        return None
    return {
        "faces": int((~np.isnan(first.moved)).sum()),
        "area": known_mean(first.moved_area),
        "maps": {
            kind: {
                "energy": known_mean(measures.moved_energy),
                "moved": known_mean(measures.moved),
                "still": known_mean(measures.still),
            }
            for kind, measures in predictions.maps.items()
        },
    }


def _mean_by_kind(predictions: Predictions, unit: int, members: np.ndarray) -> dict[str, float | None]:
    """Mean concentration of every kind of map on a unit over some faces (N,) bool."""
    return {kind: known_mean(measures.unit_concentration[members, unit]) for kind, measures in predictions.maps.items()}
