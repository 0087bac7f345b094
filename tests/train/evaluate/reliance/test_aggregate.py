from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from train.evaluate.bootstrap import ratio_values
from train.evaluate.measurements import Reliance
from train.evaluate.reliance import aggregate

CLASSES = ("anger", "fear", "neutral")
NAN = np.nan


@pytest.fixture
def measured(predictions):
    """Two faces of anger, two of fear, one neutral; of the first four, three are recognised."""

    def each(*values):
        return np.array(values, np.float32)

    reliance = Reliance(
        falls=each([0.5, 0.1, NAN], [0.3, 0.3, NAN], [0.0, 0.2, NAN], [0.2, 0.6, NAN], [NAN] * 3),
        falls_of_units=each([0.1, NAN], [0.3, NAN], [NAN, 0.2], [NAN, NAN], [NAN, NAN]),
        needed=each(0.4, 0.0, 0.2, 0.4, NAN),
        needed_blurred=each(0.2, 0.2, 0.2, 0.2, NAN),
        needed_mean=each(0.1, 0.1, 0.1, 0.1, NAN),
        exclusive_own=each(0.5, 0.3, NAN, NAN, NAN),
        exclusive_other=each(0.1, 0.1, NAN, NAN, NAN),
        enough=each(1, 0, 1, 0, NAN),
        leak=each(NAN, NAN, NAN, NAN, 0.5),
    )
    return replace(predictions, reliance=reliance)


def test_headline_figures_are_means_over_the_faces_that_tell(measured):
    found = aggregate.headline(measured)
    assert found["needed"] == pytest.approx(0.25)
    assert found["enough"] == pytest.approx((2 / 4) / (3 / 4))
    assert found["leak"] == pytest.approx(0.5)


def test_nothing_measured_gives_no_figure(predictions):
    assert aggregate.headline(predictions) == {"needed": None, "enough": None, "leak": None}
    assert aggregate.details(predictions, None, (), CLASSES) is None


def test_details(measured):
    found = aggregate.details(measured, SimpleNamespace(split="validation", count=7), ("4", "1"), CLASSES)
    assert found["donors"] == {"split": "validation", "faces": 7}
    assert found["faces"] == 4
    assert found["falls"]["anger"] == pytest.approx({"anger": 0.4, "fear": 0.2})
    assert found["units"] == {"anger": {"4": pytest.approx(0.2)}, "fear": {"1": pytest.approx(0.2)}}
    assert found["exclusive"]["faces"] == 2
    assert found["exclusive"]["difference"]["mean"] == pytest.approx(0.3)
    assert found["per_expression"]["fear"]["mean"] == pytest.approx(0.3)
    assert "neutral" not in found["per_expression"]
    assert found["needed"]["low"] <= 0.25 <= found["needed"]["high"]


def test_values_of_a_ratio_have_its_mean_and_spread():
    """The spread agrees with that of the ratio itself over resamples."""
    rng = np.random.default_rng(0)
    wholes = (rng.random(300) < 0.7).astype(float)
    parts = np.where(rng.random(300) < 0.8, wholes, 1 - wholes)
    values = ratio_values(parts, wholes)
    assert values.mean() == pytest.approx(parts.mean() / wholes.mean())
    draws = rng.integers(300, size=(2000, 300))
    ratios = parts[draws].mean(axis=1) / wholes[draws].mean(axis=1)
    assert values[draws].mean(axis=1).std() == pytest.approx(ratios.std(), rel=0.1)


def test_a_ratio_to_nothing_is_unknown():
    assert np.isnan(ratio_values(np.array([1.0, NAN]), np.array([0.0, 1.0]))).all()
    assert np.isnan(ratio_values(np.full(2, NAN), np.ones(2))).all()
