import numpy as np
import pytest

from train.evaluate import bootstrap
from train.evaluate.bootstrap import percentile_interval


def test_of_a_share_is_about_what_the_binomial_law_says(rng):
    right = (rng.random(400) < 0.8).astype(float)
    found = percentile_interval(right, np.zeros(400, int), macro=False)
    assert found["mean"] == pytest.approx(right.mean())
    half = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 400)
    assert found["low"] == pytest.approx(right.mean() - half, abs=0.006)
    assert found["high"] == pytest.approx(right.mean() + half, abs=0.006)


def test_macro_means_weigh_groups_alike_and_others_faces_alike():
    values, groups = np.array([1.0, 1, 1, 0]), np.array([0, 0, 0, 1])
    assert percentile_interval(values, groups, macro=True) == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert percentile_interval(values, groups, macro=False) == {"mean": 0.75, "low": 0.75, "high": 0.75}


def test_is_drawn_within_groups():
    """Groups without spread have none in any draw, however far apart they are."""
    values, groups = np.repeat([0.0, 10.0], 20), np.repeat(["a", "b"], 20)
    assert percentile_interval(values, groups, macro=False) == {"mean": 5, "low": 5, "high": 5}


def test_values_that_are_missing_do_not_count():
    values, groups = np.array([1.0, np.nan, 3.0, np.nan]), np.array([0, 0, 1, 2])
    assert percentile_interval(values, groups, macro=True) == {"mean": 2, "low": 2, "high": 2}
    assert percentile_interval(np.full(3, np.nan), np.arange(3), macro=True) is None


def test_is_the_same_every_time_and_narrower_with_more_faces(rng):
    values = rng.random(800)
    few, many = (percentile_interval(values[:n], np.zeros(n, int), macro=True) for n in (50, 800))
    assert many == percentile_interval(values, np.zeros(800, int), macro=True)
    assert (many["high"] - many["low"]) * 3 < few["high"] - few["low"]


def test_many_faces_are_resampled_in_parts_with_the_same_result(rng, monkeypatch):
    values, groups = rng.random(3000), rng.integers(0, 3, 3000)
    whole = percentile_interval(values, groups, macro=True)
    monkeypatch.setattr(bootstrap, "DRAWS_AT_A_TIME", 100_000)
    assert percentile_interval(values, groups, macro=True) == whole
    monkeypatch.setattr(bootstrap, "DRAWS_AT_A_TIME", 1)
    assert percentile_interval(values, groups, macro=True) == whole
