"""What details.json says of single action units and of what moved, from what ``units.measure`` found on each face."""

import numpy as np

from train.evaluate.action_units import ActionUnitRegions
from train.evaluate.aggregate import Predictions


def of_expressions(predictions: Predictions, units: ActionUnitRegions, classes: tuple[str, ...]) -> dict[str, dict]:
    """Per expression with a map, per unit that the codebook lists for it, per kind of map: the mean concentration."""
    found = {}
    for index, name in enumerate(classes):
        members = (predictions.actual == index) & predictions.has_map
        listed = np.flatnonzero(units.listed[index].numpy())
        if members.any() and listed.size:
            found[name] = {
                units.keys[unit]: {kind: _mean(values[members, unit]) for kind, values in predictions.units.items()}
                for unit in listed
            }
    return found


def of_units(predictions: Predictions, units: ActionUnitRegions) -> dict[str, dict]:
    """Per unit: its name, and per kind of map the mean concentration over faces whose expression lists it (``listed``) and
    over the others that have a map (``not_listed``): as much on both is attention to a place, not to an expression."""
    lists = units.listed.numpy()[predictions.actual]  # (N, U)
    found = {}
    for unit, key in enumerate(units.keys):
        groups = {"listed": lists[:, unit] & predictions.has_map, "not_listed": ~lists[:, unit] & predictions.has_map}
        found[key] = {
            "name": units.names[unit],
            **{
                group: {kind: _mean(values[members, unit]) for kind, values in predictions.units.items()}
                for group, members in groups.items()
            },
        }
    return found


def of_movement(predictions: Predictions) -> dict | None:
    """Over the faces that are known to have moved: the share of the frame that moved, and per kind of map the share of it
    there (``energy``), how much denser it is there (``moved``), and on what the expression lists but did not move
    (``still``). None where the dataset does not know of movements."""
    first = next(iter(predictions.moved.values()), None)
    if first is None or np.isnan(first["moved"]).all():
        return None
    return {
        "faces": int((~np.isnan(first["moved"])).sum()),
        "area": _mean(first["moved_area"]),
        "maps": {
            kind: {
                "energy": _mean(found["moved_energy"]),
                "moved": _mean(found["moved"]),
                "still": _mean(found["still"]),
            }
            for kind, found in predictions.moved.items()
        },
    }


def _mean(values: np.ndarray) -> float | None:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else None
