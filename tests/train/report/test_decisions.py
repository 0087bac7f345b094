import pytest

from train.evaluate.artifacts import Evaluation
from train.report.decisions import decision_rows, decision_verdict


def interval(mean, low=None, high=None):
    return {"mean": mean, "low": mean - 0.1 if low is None else low, "high": mean + 0.1 if high is None else high}


def evaluations(before=0.02, after=0.15, leak=0.01, reliance=None):
    metrics = [{"needed": value, "leak": leak} for value in (before, after)]
    details = {"reliance": reliance}
    return {name: Evaluation(each, details, [], {}) for name, each in zip(("baseline", "guided"), metrics, strict=True)}


@pytest.mark.parametrize(
    ("maps", "decisions", "said"),
    [
        (interval(0.3), interval(0.13, 0.05, 0.2), "Guidance moved the decisions: they lean on the own action units more"),
        (interval(0.3, 0.2, 0.4), interval(0.0, -0.1, 0.1), "Guidance moved the maps and not the decisions"),
        (interval(0.3, 0.2, 0.4), interval(-0.2, -0.3, -0.1), "Guidance moved the maps and not the decisions"),
        (interval(0.0, -0.1, 0.1), interval(0.0, -0.1, 0.1), "Guidance moved neither the maps nor the decisions"),
        (interval(0.3, 0.2, 0.4), interval(0.1, -0.05, 0.25), "Guidance moved the maps and not the decisions"),
        (None, interval(0.0, -0.1, 0.1), "Guidance moved neither"),
    ],
)
def test_verdict_tells_maps_from_decisions(maps, decisions, said):
    text = decision_verdict(evaluations(), {"att_cos": maps, "needed": decisions})
    assert said in text
    assert "falls by 0.150 more than if the regions of another expression do (baseline 0.020)" in text
    assert "Outlines" not in text


def test_verdict_names_a_leak():
    text = decision_verdict(evaluations(leak=0.31), {"att_cos": None, "needed": interval(0.1)})
    assert text.endswith("Outlines alone move 31% of the guided classifier's answers to neutral faces.")


def test_what_was_not_measured_is_not_shown():
    assert decision_verdict(evaluations(before=None), {"att_cos": None, "needed": None}) is None
    assert decision_rows(evaluations()) == []


def test_rows_hold_both_variants():
    names = ("needed", "needed_blurred", "needed_mean_colour", "enough", "leak")
    measured = {name: interval(place / 10) for place, name in enumerate(names)}
    measured["exclusive"] = {"own": interval(0.25), "other": None}
    rows = decision_rows(evaluations(reliance=measured))
    assert rows[0].figures == [("0.000", "[-0.100, 0.100]")] * 2
    assert [row.figures[1][0] for row in rows] == ["0.000", "0.100", "0.200", "0.250", "–", "0.300", "0.400"]
