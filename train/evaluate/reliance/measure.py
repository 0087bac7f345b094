"""What a decision leans on: how a classifier's answer changes when regions of action units show somebody else's face.

needed  how far the probability of a class falls when the regions of its own action units show a neutral face, less the mean
        fall for the regions of the other expressions. 0: the own regions count for no more than others.
enough  whether the answer is right when only the regions of the own and of one random other expression are seen.
leak    how much more often a neutral face is called an expression when only the regions of this expression are seen. 1: the
        classifier reads the outline of what it is shown, and not the face. 0: outlines tell it nothing.

The regions of every expression are tried on every face, so that their outlines tell nothing about its class. The fill is a
neutral face: ``train.data.blending``. For comparison with other work, ``needed`` is also measured with the blurred face or
with the mean colour, one of them for each face. What is not seen for ``enough`` and ``leak`` is blurred.

Regions of different expressions overlap. So the regions of the own expression without those of another are tried, too, and
these without the own, if the areas are alike: ``exclusive_own`` and ``exclusive_other``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from torch import Tensor

from train.attribution.hidden_views import Fill, HiddenViews
from train.evaluate.measurements import Reliance
from train.models.classifier import Classifier

SEED = 0
ALIKE = 1.5  # largest ratio of two areas that are alike
PAIRS = 2  # other expressions, drawn for each face, whose overlap with the own regions is tried
COMPARED = 1  # other expressions, drawn for each face, that are blurred or get the mean colour
FILLS: tuple[Fill, Fill] = ("blur", "mean")  # one is drawn for each face, since views take nearly all of the time


@dataclass
class _Plan:
    """The views of one face, by their numbers in HiddenViews."""

    regions: dict[int, int] = field(default_factory=dict)  # expression -> its regions show a donor
    units: dict[int, int] = field(default_factory=dict)  # action unit -> its region shows a donor
    filled: dict[Fill, dict[int, int]] = field(default_factory=dict)  # fill -> expression -> its regions show the fill
    exclusive: list[tuple[int, int]] = field(default_factory=list)  # own without other, other without own
    only_two: int | None = None  # only the regions of the own and another expression are seen
    only_one: dict[int, int] = field(default_factory=dict)  # expression -> only its regions are seen


def measure_reliance(
    classifier: Classifier,
    images: Tensor,
    targets: Tensor,
    probabilities: Tensor,
    regions: Tensor,
    units: Tensor,
    neutral: int,
    donors: Sequence[Tensor],
    seeds: Sequence[int],
) -> Reliance:
    """Measure a batch of B faces.

    Args:
        classifier: In evaluation mode.
        images: (B, 3, H, W) in [0, 1], the whole faces.
        targets: (B,) int64, the labels, whose probabilities count.
        probabilities: (B, K), the classifier's answers to the whole faces.
        regions: (B, K, n, n) bool, the regions of each expression on each face; empty for an expression without any.
        units: (B, U, n, n) bool, the region of each action unit; empty for a unit that the own expression does not list.
        neutral: The class of neutral faces, of which alone ``leak`` is measured.
        donors: D >= 1 stacks (B, 3, H, W) of neutral faces.
        seeds: (B,) numbers that decide the random choices for each face.
    """
    views = HiddenViews(classifier, images, donors)
    targets, whole = targets.cpu(), probabilities.detach().cpu()
    plans = [
        _plan(views, face, target, regions[face], units[face], neutral, np.random.default_rng([SEED, seeds[face]]))
        for face, target in enumerate(targets.tolist())
    ]
    answers = views.probabilities()
    measured = [
        _measure(plan, target, whole[face], answers, regions.shape[1], units.shape[1])
        for face, (plan, target) in enumerate(zip(plans, targets.tolist(), strict=True))
    ]
    return Reliance(*(np.array([getattr(each, name.name) for each in measured], np.float32) for name in fields(Reliance)))


def _plan(
    views: HiddenViews, face: int, target: int, regions: Tensor, units: Tensor, neutral: int, rng: np.random.Generator
) -> _Plan:
    """Note the views of a face: regions (K, n, n) and units (U, n, n)."""
    plan = _Plan()
    expressions = np.flatnonzero(regions.flatten(1).any(dim=1).numpy()).tolist()
    if target == neutral:
        plan.only_one = {expression: views.show_only(face, regions[expression], "blur") for expression in expressions}
    if target not in expressions:
        return plan
    others = rng.permutation([other for other in expressions if other != target]).tolist()
    if not others:
        return plan
    own = regions[target]
    plan.regions = {expression: views.hide(face, regions[expression], "donor") for expression in expressions}
    listed = np.flatnonzero(units.flatten(1).any(dim=1).numpy()).tolist()
    plan.units = {unit: views.hide(face, units[unit], "donor") for unit in listed}
    tried = [target, *others[:COMPARED]]
    fill = FILLS[rng.integers(len(FILLS))]
    plan.filled[fill] = {expression: views.hide(face, regions[expression], fill) for expression in tried}
    alike = [other for other in others if _are_alike(own & ~regions[other], regions[other] & ~own)]
    plan.exclusive = [
        (views.hide(face, own & ~regions[other], "donor"), views.hide(face, regions[other] & ~own, "donor"))
        for other in alike[:PAIRS]
    ]
    plan.only_two = views.show_only(face, own | regions[others[0]], "blur")
    return plan


def _are_alike(first: Tensor, second: Tensor) -> bool:
    small, large = sorted((int(first.sum()), int(second.sum())))
    return small > 0 and large <= ALIKE * small


def _measure(plan: _Plan, target: int, whole: Tensor, answers: Tensor, expressions: int, units: int) -> Reliance:
    """The measures of one face, of which the arrays have no first axis.

    Args:
        plan: The face's views.
        target: The class.
        whole: (K,) probabilities of the whole face.
        answers: (V, K) probabilities of all views.
        expressions: K.
        units: U.
    """
    fallen = (whole[target] - answers[:, target]).numpy()
    falls, of_units = np.full(expressions, np.nan), np.full(units, np.nan)
    falls[list(plan.regions)] = fallen[list(plan.regions.values())]
    of_units[list(plan.units)] = fallen[list(plan.units.values())]
    own, other = (_mean(fallen[[pair[side] for pair in plan.exclusive]]) for side in (0, 1))
    gains = [float(answers[view].argmax() == k) - float(whole.argmax() == k) for k, view in plan.only_one.items()]
    return Reliance(
        falls=falls,
        falls_of_units=of_units,
        needed=_needed(fallen, plan.regions, target),
        needed_blurred=_needed(fallen, plan.filled.get("blur", {}), target),
        needed_mean=_needed(fallen, plan.filled.get("mean", {}), target),
        exclusive_own=own,
        exclusive_other=other,
        enough=np.array(np.nan if plan.only_two is None else float(answers[plan.only_two].argmax() == target)),
        leak=_mean(np.array(gains)),
    )


def _needed(fallen: np.ndarray, views: dict[int, int], target: int) -> np.ndarray:
    """The fall for the target's own regions less the mean fall for the others."""
    others = [view for expression, view in views.items() if expression != target]
    return fallen[views[target]] - _mean(fallen[others]) if views else np.array(np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean of values; NaN without any."""
    return np.array(values.mean() if values.size else np.nan)
