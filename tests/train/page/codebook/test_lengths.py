"""Lengths change by pixels, and keep their unit."""

import pytest

from pipeline.codebook.geometry import Length
from pipeline.runtime.errors import InputError
from train.page.codebook.faces import MEAN, Faces
from train.page.codebook.lengths import in_unit, pixels_per, plus_pixels

ROUNDING = {"px": 0.05, "iod": 0.06, "width": 0.02, "height": 0.02}  # pixels


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    return Faces(tmp_path_factory.mktemp("none")).get(MEAN).batch(224, whole_pixels=False)


def measure(length, batch):
    return float(batch.length(Length.model_validate(length))[0])


@pytest.mark.parametrize("unit", ["px", "iod", "width", "height"])
@pytest.mark.parametrize("pixels", [7, -3.3, 0])
def test_a_length_grows_in_its_own_unit(batch, unit, pixels):
    before = {unit: 20 / pixels_per(unit, batch)}
    after = plus_pixels(before, pixels, batch)
    assert list(after) == [unit]
    assert measure(after, batch) == pytest.approx(20 + pixels, abs=ROUNDING[unit])


def test_half_keeps_its_landmarks_and_changes_plus(batch):
    before = {"half": [36, 39], "plus": {"px": 4}, "otherwise": {"px": 5}}
    after = plus_pixels(before, 3, batch)
    assert after == {"half": [36, 39], "plus": {"px": 10}, "otherwise": {"px": 5}}
    assert measure(after, batch) == pytest.approx(measure(before, batch) + 3)
    assert before["plus"] == {"px": 4}


def test_half_without_plus_gets_one(batch):
    after = plus_pixels({"half": [36, 39]}, 3, batch)
    assert measure(after, batch) == pytest.approx(measure({"half": [36, 39]}, batch) + 3, abs=0.06)


def test_where_otherwise_counts_it_changes(batch):
    before = {"half": [36, 36], "otherwise": {"px": 5}}
    assert plus_pixels(before, 3, batch) == {"half": [36, 36], "otherwise": {"px": 8}}


def test_no_length_is_zero(batch):
    assert measure(plus_pixels(None, 8, batch, "px"), batch) == 8
    assert plus_pixels(None, 8, batch, "px") == {"px": 8}


@pytest.mark.parametrize("unit", ["px", "iod", "width", "height"])
def test_another_unit_has_the_same_length(batch, unit):
    assert measure(in_unit({"iod": 0.24}, unit, batch), batch) == pytest.approx(measure({"iod": 0.24}, batch), abs=0.06)


def test_an_unknown_unit_is_refused(batch):
    with pytest.raises(InputError, match="there is no unit 'ells': choose one of iod, px, width, height"):
        in_unit({"iod": 0.24}, "ells", batch)


def test_units_of_whole_pixels_are_not_rounded(tmp_path):
    batch = Faces(tmp_path).get(MEAN).batch(224, whole_pixels=True)
    assert pixels_per("iod", batch) != round(pixels_per("iod", batch))
