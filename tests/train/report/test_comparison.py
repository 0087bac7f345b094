import pytest

from pipeline.runtime.errors import InputError
from train.evaluate.artifacts import COSINES, Evaluation
from train.evaluate.figures import RELIANCE
from train.report.comparison import paired_differences, verdict


def evaluation(rows):
    """Rows of actual, predicted, and one value for all cosines."""
    faces = [
        {"id": str(i), "actual": actual, "predicted": predicted, **dict.fromkeys((*COSINES, *RELIANCE), cosine)}
        for i, (actual, predicted, cosine) in enumerate(rows)
    ]
    return Evaluation({}, {}, faces, {})


def test_differences_by_hand():
    """Four faces of a, two of b, one of them without a map."""
    before = evaluation(
        [("a", "a", "0.1"), ("a", "b", "0.2"), ("a", "b", "0.3"), ("a", "a", "0.4"), ("b", "b", "0.5"), ("b", "a", "")]
    )
    after = evaluation(
        [("a", "a", "0.2"), ("a", "a", "0.4"), ("a", "b", "0.3"), ("a", "b", "0.4"), ("b", "b", "0.9"), ("b", "b", "")]
    )
    found = paired_differences(before, after)
    assert found["accuracy"]["mean"] == pytest.approx((0 + 1 + 0 - 1 + 0 + 1) / 6)
    assert found["balanced_accuracy"]["mean"] == pytest.approx((0 / 4 + 1 / 2) / 2)
    assert found["att_cos"]["mean"] == pytest.approx((0.3 / 4 + 0.4) / 2)


def test_a_constant_gain_has_no_spread_though_faces_differ():
    """The pairs are drawn together: apart, the intervals would overlap."""
    values = [0.1, 0.5, 0.9, 0.3]
    before, after = (evaluation([("a", "a", f"{value + gain:.1f}") for value in values]) for gain in (0, 0.1))
    found = paired_differences(before, after)["cam_cos"]
    assert [found[name] for name in ("mean", "low", "high")] == pytest.approx([0.1] * 3)
    assert paired_differences(after, before)["cam_cos"]["mean"] == pytest.approx(-0.1)


def test_without_maps_on_one_side_there_is_no_difference():
    before, after = evaluation([("a", "a", "")]), evaluation([("a", "a", "0.5")])
    assert paired_differences(before, after)["cam_cos"] is None


def test_other_faces_are_refused():
    with pytest.raises(InputError, match="different test faces"):
        paired_differences(evaluation([("a", "a", "0.5")]), evaluation([("b", "a", "0.5")]))


@pytest.mark.parametrize(
    ("reached", "constant", "said"),
    [
        (0.8, 0.7, "heatmap better than one constant map does (0.800; 0.700)"),
        (0.6, 0.7, "heatmap worse than one constant map does"),
        (0.701, 0.7, "heatmap about as well as one constant map does"),
        (0.8, 0.7, "on 25% of the faces (baseline 25%, chance 17%; mean over expressions)"),
        (None, None, "No test face has a heatmap"),
    ],
)
def test_verdict_says_what_the_figures_mean(reached, constant, said):
    details = {"controls": {"training_mean": constant}, "own_expression": {"rate": 0.25, "chance": 1 / 6}}
    each = Evaluation({"att_cos": reached}, details, [], {})
    assert said in verdict({"baseline": each, "guided": each})
