"""Checks whether colour gives expressions away.

The photos of one expression often come from a source of their own. A classifier learns the colours of such a source sooner
than it learns faces.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from train.data.dataset import Faces

SAMPLE_SIZE = 200  # training faces of each expression that are examined, evenly spaced
MIN_FACES = 10  # examined faces of an expression; the share of fewer faces says nothing
MIN_COLOUR = 6.0  # levels of 255, |red - green| plus |blue - green|: more than JPEG makes of grey
MIN_DIFFERENCE = 0.3  # between the shares of coloured faces of an expression and of the others
MIN_STANDARD_ERRORS = 3.0  # the same difference, divided by its standard error


class Comparison(NamedTuple):
    """Compares the shares of coloured faces of a class and of the other classes."""

    own: float  # share of the class's faces that are in colour
    others: float  # share of the other classes' faces, weighted by the number of their faces
    standard_error: float  # of the difference, if chance alone caused it

    @property
    def difference(self) -> float:
        """The absolute difference between the shares, in [0, 1]."""
        return abs(self.own - self.others)


def notes(train: Faces, classes: tuple[str, ...]) -> list[str]:
    """Return a sentence for each expression that colour gives away.

    Colour gives an expression away if its training faces are in colour much more often, or much less often, than the faces
    of the other expressions. Any tint counts as colour: the tint of a scan gives its source away as well.

    Args:
        train: The faces of the training split.
        classes: The labels of the targets.
    """
    members = [np.flatnonzero(train.targets == index) for index in range(len(classes))]
    coloured = [np.array([is_coloured(train.image(place)) for place in _sample(places)]) for places in members]
    return describe_bias(coloured, [len(places) for places in members], classes)


def is_coloured(image: Tensor) -> bool:
    """Return whether a crop (3, S, S) uint8 holds more than grey values."""
    red, green, blue = image.float()
    return bool((red - green).abs().mean() + (blue - green).abs().mean() > MIN_COLOUR)


def describe_bias(coloured: Sequence[np.ndarray], sizes: Sequence[int], classes: tuple[str, ...]) -> list[str]:
    """Describe the classes that colour gives away, the clearest case first.

    After a class is described it is left out, and the remaining classes are compared among themselves.

    Args:
        coloured: For each class (n,) bool, whether each examined face is in colour.
        sizes: Number of training faces of each class.
        classes: The name of each class.

    Returns:
        A sentence for each class that is described.
    """
    remaining = {index for index, examined in enumerate(coloured) if len(examined)}
    sentences: list[str] = []
    described: list[str] = []
    while len(remaining) > 1:
        comparisons = {
            index: _compare(index, remaining - {index}, coloured, sizes)
            for index in remaining
            if len(coloured[index]) >= MIN_FACES
        }
        if not comparisons:
            break
        index = max(comparisons, key=lambda index: comparisons[index].difference)
        comparison = comparisons[index]
        if comparison.difference <= max(MIN_DIFFERENCE, MIN_STANDARD_ERRORS * comparison.standard_error):
            break
        without = f" (but for {', '.join(described)})" if described else ""
        sentences.append(
            f"colour tells {classes[index]}: {comparison.own:.0%} of its training faces are in colour and "
            f"{comparison.others:.0%} of the others{without}, which a classifier can learn in place of the expression; "
            "set train.colour to false to hide it"
        )
        described.append(classes[index])
        remaining.remove(index)
    return sentences


def _compare(index: int, others: set[int], coloured: Sequence[np.ndarray], sizes: Sequence[int]) -> Comparison:
    """Compare a class with other classes. The standard error is that of two shares of one population (pooled)."""
    own = float(coloured[index].mean())
    weights = [sizes[other] for other in others]
    share = float(np.average([coloured[other].mean() for other in others], weights=weights))
    pooled = float(np.average([own, share], weights=[sizes[index], sum(weights)]))
    number = sum(len(coloured[other]) for other in others)
    return Comparison(own, share, math.sqrt(pooled * (1 - pooled) * (1 / len(coloured[index]) + 1 / number)))


def _sample(places: np.ndarray) -> np.ndarray:
    """Choose at most SAMPLE_SIZE places, evenly spaced."""
    return places[np.unique(np.linspace(0, len(places) - 1, SAMPLE_SIZE).round().astype(int))] if len(places) else places
