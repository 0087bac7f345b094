from types import SimpleNamespace

import numpy as np
import pytest
import torch

from train.evaluate.au_coverage import coverage_by_expression, coverage_by_unit, movement_coverage
from train.evaluate.measurements import MapMeasures

CLASSES = ("a", "b", "none")
NAN = np.nan
UNITS = SimpleNamespace(
    keys=("1", "12"),
    names=["Inner Brow Raiser", "Lip Corner Puller"],
    listed=torch.tensor([[True, False], [True, True], [False, False]]),
)


@pytest.fixture
def predictions():
    """Faces of a, a, b, none; the second has no map, and unit 12 of the first lies outside its frame."""
    nothing = np.full(4, NAN)
    measures = MapMeasures(
        size=(6, 6),
        cosine=nothing,
        energy=nothing,
        pointing=nothing,
        iou=nothing,
        unit_concentration=np.array([[1.0, NAN], [9.0, 9.0], [3.0, 4.0], [9.0, 9.0]]),
        moved=np.array([2.0, NAN, 4.0, NAN]),
        moved_energy=np.array([0.5, NAN, 0.7, NAN]),
        moved_area=np.array([0.25, NAN, 0.15, NAN]),
        still=np.array([1.5, NAN, NAN, NAN]),
    )
    return SimpleNamespace(
        actual=np.array([0, 0, 1, 2]), has_map=np.array([True, False, True, False]), maps={"layer5": measures}
    )


def test_expressions_have_the_units_that_they_list(predictions):
    assert coverage_by_expression(predictions, UNITS, CLASSES) == {
        "a": {"1": {"layer5": 1.0}},
        "b": {"1": {"layer5": 3.0}, "12": {"layer5": 4.0}},
    }


def test_units_are_compared_with_the_faces_that_do_not_list_them(predictions):
    found = coverage_by_unit(predictions, UNITS)
    assert found["1"] == {"name": "Inner Brow Raiser", "listed": {"layer5": 2.0}, "not_listed": {"layer5": None}}
    assert found["12"] == {"name": "Lip Corner Puller", "listed": {"layer5": 4.0}, "not_listed": {"layer5": None}}
    predictions.maps["layer5"].unit_concentration[0, 1] = 0.5
    assert coverage_by_unit(predictions, UNITS)["12"]["not_listed"] == {"layer5": 0.5}


def test_movement_is_over_the_faces_that_are_known_to_have_moved(predictions):
    found = movement_coverage(predictions)
    assert found["faces"] == 2
    assert found["area"] == pytest.approx(0.2)
    assert found["maps"]["layer5"] == {"energy": pytest.approx(0.6), "moved": 3.0, "still": 1.5}
    predictions.maps["layer5"].moved[:] = NAN
    assert movement_coverage(predictions) is None
