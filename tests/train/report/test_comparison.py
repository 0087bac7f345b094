import pytest

from pipeline.runtime.errors import InputError
from train.evaluate.artifacts import COSINES, Result
from train.report.comparison import paired, told


def result(rows):
    """Rows of actual, predicted, and one value for all cosines."""
    faces = [
        {"id": str(i), "actual": actual, "predicted": predicted, **dict.fromkeys(COSINES, cosine)}
        for i, (actual, predicted, cosine) in enumerate(rows)
    ]
    return Result({}, {}, faces, {})


def test_differences_by_hand():
    """Four faces of a, two of b, one of them without a map."""
    before = result(
        [("a", "a", "0.1"), ("a", "b", "0.2"), ("a", "b", "0.3"), ("a", "a", "0.4"), ("b", "b", "0.5"), ("b", "a", "")]
    )
    after = result(
        [("a", "a", "0.2"), ("a", "a", "0.4"), ("a", "b", "0.3"), ("a", "b", "0.4"), ("b", "b", "0.9"), ("b", "b", "")]
    )
    found = paired(before, after)
    assert found["accuracy"]["mean"] == pytest.approx((0 + 1 + 0 - 1 + 0 + 1) / 6)
    assert found["balanced_accuracy"]["mean"] == pytest.approx((0 / 4 + 1 / 2) / 2)
    assert found["att_cos"]["mean"] == pytest.approx((0.3 / 4 + 0.4) / 2)


def test_a_constant_gain_has_no_spread_though_faces_differ():
    """The pairs are drawn together: apart, the intervals would overlap."""
    values = [0.1, 0.5, 0.9, 0.3]
    before, after = (result([("a", "a", f"{value + gain:.1f}") for value in values]) for gain in (0, 0.1))
    found = paired(before, after)["cam_cos"]
    assert [found[name] for name in ("mean", "low", "high")] == pytest.approx([0.1] * 3)
    assert paired(after, before)["cam_cos"]["mean"] == pytest.approx(-0.1)


def test_without_maps_on_one_side_there_is_no_difference():
    before, after = result([("a", "a", "")]), result([("a", "a", "0.5")])
    assert paired(before, after)["cam_cos"] is None
    assert told(None) == ("–", "")
    assert told({"mean": 0.1234, "low": -0.01, "high": 0.25}) == ("+0.123", "[-0.010, +0.250]")


def test_other_faces_are_refused():
    with pytest.raises(InputError, match="different test faces"):
        paired(result([("a", "a", "0.5")]), result([("b", "a", "0.5")]))
