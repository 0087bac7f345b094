"""The report's section on what the decisions lean on: its figures as text, and its verdict in words."""

from typing import Any, NamedTuple

from train import VARIANTS
from train.evaluate.bootstrap import Interval
from train.evaluate.figures import NO_FIGURE, format_figure
from train.report.comparison import Differences, Evaluations

LEAKS = 0.05  # from this leak on, the page says that outlines alone move answers
TITLES = {  # keys in details.json, reliance -> the title of a row
    ("needed",): "needed: fall for the own regions beyond that for others",
    ("needed_blurred",): "the same with the regions blurred, for half of the faces",
    ("needed_mean_colour",): "the same with the regions in the mean colour, for the others",
    ("exclusive", "own"): "fall for the own part alone of two overlapping regions",
    ("exclusive", "other"): "fall for the other part alone",
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
    """Say in words whether decisions lean on the action units, and whether guidance moved them or the maps alone."""
    baseline, guided = (evaluations[name].metrics["needed"] for name in VARIANTS)
    needed = differences["needed"]
    if baseline is None or guided is None or needed is None:
        return None
    sentence = (
        "If the regions of the own action units show a neutral face instead, the probability of the true expression falls "
        f"by {guided:.3f} more than if the regions of another expression do (baseline {baseline:.3f})."
    )
    maps_moved, decisions_moved = _is_above_zero(differences["att_cos"]), _is_above_zero(needed)
    if decisions_moved:
        sentence += " Guidance moved the decisions: they lean on the own action units more than the baseline's do."
    elif maps_moved:
        sentence += (
            " Guidance moved the maps and not the decisions: the maps show the action units, but the decisions do not lean "
            "on them more than the baseline's do."
        )
    else:
        sentence += " Guidance moved neither the maps nor the decisions."
    leak = evaluations["guided"].metrics["leak"]
    if leak is not None and leak > LEAKS:
        sentence += f" Outlines alone move {leak:.0%} of the guided classifier's answers to neutral faces."
    return sentence


def _is_above_zero(difference: Interval | None) -> bool:
    return difference is not None and difference["low"] > 0


def _at(reliance: dict[str, Any], keys: tuple[str, ...]) -> Interval | None:
    value: Any = reliance
    for key in keys:
        value = value[key]
    return value


def _format(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return NO_FIGURE, ""
    return format_figure(interval["mean"]), f"[{interval['low']:.3f}, {interval['high']:.3f}]"
