import pytest

from train.evaluate.artifacts import Evaluation
from train.report.decisions import decision_rows, decision_verdict


def interval(mean, low=None, high=None):
    return {"mean": mean, "low": mean - 0.1 if low is None else low, "high": mean + 0.1 if high is None else high}


def evaluations(baseline, guided):
    """Both variants, of which ``reliance`` was measured; None if nothing was."""
    measured = zip(("baseline", "guided"), (baseline, guided), strict=True)
    return {name: Evaluation({}, {"reliance": reliance}, [], {}) for name, reliance in measured}


def verdict(decisions, maps=None, cam=None, needed=None, leak=None):
    before = {"needed": interval(0.02), "leak": interval(0.0)}
    after = {"needed": needed or interval(0.15, 0.1, 0.2), "leak": leak}
    return decision_verdict(evaluations(before, after), {"att_cos": maps, "cam_cos": cam, "needed": decisions})


UP, LEVEL, DOWN = interval(0.3, 0.2, 0.4), interval(0.0, -0.1, 0.1), interval(-0.2, -0.3, -0.1)


@pytest.mark.parametrize(
    ("maps", "cam", "decisions", "said"),
    [
        (UP, None, UP, "Guidance moved the decisions: they lean on the own action units more"),
        (LEVEL, None, UP, "Guidance moved the decisions: they lean on the own action units more"),
        (UP, None, LEVEL, "Guidance moved the maps, and the decisions by no more than chance"),
        (LEVEL, UP, LEVEL, "Guidance moved the maps, and the decisions by no more than chance"),
        (
            UP,
            None,
            interval(0.1, -0.05, 0.25),
            "by no more than chance (needed: guided minus baseline +0.100 [-0.050, +0.250])",
        ),
        (UP, None, DOWN, "With guidance, decisions lean on the own action units less than the baseline's do"),
        (
            LEVEL,
            LEVEL,
            LEVEL,
            "Guidance moved neither the maps nor the decisions towards the action units by more than chance",
        ),
        (
            DOWN,
            None,
            LEVEL,
            "Guidance moved neither the maps nor the decisions towards the action units by more than chance",
        ),
        (None, None, LEVEL, "Guidance moved neither"),
    ],
)
def test_verdict_tells_maps_from_decisions(maps, cam, decisions, said):
    text = verdict(decisions, maps, cam)
    assert said in text
    assert "Outlines" not in text


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        (UP, "falls 0.300 further than for the regions of the other expressions on average"),
        (LEVEL, "falls no further, beyond chance, than for the regions"),
        (interval(0.05, 0.0, 0.1), "falls no further, beyond chance, than for the regions"),
        (DOWN, "falls 0.200 less far than for the regions"),
    ],
)
def test_verdict_says_no_more_than_the_interval_allows(needed, said):
    text = verdict(LEVEL, needed=needed)
    assert said in text
    assert f"(needed: guided {needed['mean']:.3f} [" in text
    assert "baseline 0.020 [-0.080, 0.120])" in text


def test_verdict_names_a_leak():
    text = verdict(UP, leak=interval(0.31))
    assert text.endswith("Outlines alone move 31% of the guided classifier's answers to neutral faces.")
    assert "Outlines" not in verdict(UP, leak=interval(0.31, -0.01, 0.6))
    assert "Outlines" not in verdict(UP, leak=interval(0.04, 0.02, 0.06))


@pytest.mark.parametrize("measured", [None, {"needed": None, "leak": interval(0.1)}])
def test_what_was_not_measured_is_not_shown(measured):
    assert decision_verdict(evaluations(measured, measured), {"att_cos": UP, "needed": None}) is None
    assert decision_rows(evaluations(None, measured)) == []


def test_rows_hold_both_variants():
    names = ("needed", "needed_blurred", "needed_mean_colour", "enough", "leak")
    measured = {name: interval(place / 10) for place, name in enumerate(names)}
    measured["exclusive"] = {"own": interval(0.25), "other": None, "difference": interval(0.26)}
    rows = decision_rows(evaluations(measured, measured))
    assert rows[0].figures == [("0.000", "[-0.100, 0.100]")] * 2
    assert [row.figures[1][0] for row in rows] == ["0.000", "0.100", "0.200", "0.250", "–", "0.260", "0.300", "0.400"]
