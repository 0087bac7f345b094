"""The report's section on what the decisions lean on: its figures as text, and its verdict in words."""

from typing import Any, NamedTuple

from train import VARIANTS
from train.evaluate.bootstrap import Interval
from train.evaluate.figures import NO_FIGURE, format_difference, format_figure
from train.report.comparison import Differences, Evaluations

LEAKS = 0.05  # from this leak on, the page says that outlines alone move answers
MAPS = ("att_cos", "cam_cos")  # keys of the differences that tell whether guidance moved the maps
TITLES = {  # keys in details.json, reliance -> the title of a row
    ("needed",): "needed: fall for the own regions beyond that for others",
    ("needed_blurred",): "the same with the regions blurred, for half of the faces",
    ("needed_mean_colour",): "the same with the regions in the mean colour, for the others",
    ("exclusive", "own"): "fall for the own part alone of two overlapping regions",
    ("exclusive", "other"): "fall for the other part alone",
    ("exclusive", "difference"): "difference of these two",
    ("enough",): "enough: share of the accuracy with own and other regions alone",
    ("leak",): "leak: neutral faces called the expression whose outline is seen",
}


class DecisionRow(NamedTuple):
    """A row of the section's table, as text: the figure and interval of each variant."""

    title: str
    figures: list[tuple[str, str]]


def decision_rows(evaluations: Evaluations) -> list[DecisionRow]:
    """Format everything that is measured on both variants' decisions; no rows if it was not measured."""
    measured = [evaluations[name].details["reliance"] for name in VARIANTS]
    if not all(measured):
        return []
    return [DecisionRow(title, [_format(_at(reliance, keys)) for reliance in measured]) for keys, title in TITLES.items()]


def decision_verdict(evaluations: Evaluations, differences: Differences) -> str | None:
    """Say in words whether decisions lean on the action units, and whether guidance moved them or the maps alone.

    What an interval around 0 leaves open is not told as a finding.

    Returns:
        The sentences; None if not both variants' decisions were measured.
    """
    measured = [evaluations[name].details["reliance"] for name in VARIANTS]
    difference = differences["needed"]
    if not all(measured) or difference is None:
        return None
    baseline, guided = measured
    sentences = [_leaning(baseline["needed"], guided["needed"]), _movement(difference, differences)]
    leak = guided["leak"]
    if leak and leak["mean"] > LEAKS and leak["low"] > 0:
        sentences.append(f"Outlines alone move {leak['mean']:.0%} of the guided classifier's answers to neutral faces.")
    return " ".join(sentences)


def _leaning(baseline: Interval, guided: Interval) -> str:
    """Whether the guided classifier's decisions lean on the own action units."""
    fall = "no further, beyond chance, than"
    if guided["low"] > 0:
        fall = f"{guided['mean']:.3f} further than"
    elif guided["high"] < 0:
        fall = f"{-guided['mean']:.3f} less far than"
    figures = [f"{name} {' '.join(_format(needed))}" for name, needed in (("guided", guided), ("baseline", baseline))]
    return (
        "If the regions of the own action units show a neutral face instead, the probability of the true expression falls "
        f"{fall} for the regions of the other expressions on average (needed: {', '.join(figures)})."
    )


def _movement(difference: Interval, differences: Differences) -> str:
    """Whether guidance moved the decisions, by the difference of needed, and whether it moved the maps."""
    change = "needed: guided minus baseline " + " ".join(format_difference(difference))
    if difference["low"] > 0:
        return f"Guidance moved the decisions: they lean on the own action units more than the baseline's do ({change})."
    if difference["high"] < 0:
        return f"With guidance, decisions lean on the own action units less than the baseline's do ({change})."
    if any(moved["low"] > 0 for name in MAPS if (moved := differences[name])):
        return (
            f"Guidance moved the maps, and the decisions by no more than chance ({change}): where the maps lie does not "
            "tell what the answers depend on."
        )
    return f"Guidance moved neither the maps nor the decisions towards the action units by more than chance ({change})."


def _at(reliance: dict[str, Any], keys: tuple[str, ...]) -> Interval | None:
    value: Any = reliance
    for key in keys:
        value = value[key]
    return value


def _format(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return NO_FIGURE, ""
    return format_figure(interval["mean"]), f"[{interval['low']:.3f}, {interval['high']:.3f}]"
