"""Does colour tell expressions apart? Photos of one expression often come from a source of their own, whose colours a
classifier learns sooner than faces."""

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from train.data.dataset import Faces

LOOKED_AT = 200  # training faces of each expression, evenly spread
FEWEST = 10  # of an expression: a share of fewer says nothing
COLOURFUL = 6.0  # levels of 255, red from green plus blue from green: more than JPEG makes of grey
TELLING = 0.3  # difference between two shares of faces in colour,
SURELY = 3.0  # and its size in standard errors


def notes(train: Faces, classes: tuple[str, ...]) -> list[str]:
    """A sentence for every expression whose training faces are in colour, or grey, much more often than the others'. Any
    tint counts as colour: a scan's, too, gives its source away."""
    members = [np.flatnonzero(train.targets == index) for index in range(len(classes))]
    coloured = [np.array([is_coloured(train.image(place)) for place in _spread(places)]) for places in members]
    return telling(coloured, [len(places) for places in members], classes)


def is_coloured(image: Tensor) -> bool:
    """Whether a crop (3, S, S) uint8 is more than grey values."""
    red, green, blue = image.float()
    return bool((red - green).abs().mean() + (blue - green).abs().mean() > COLOURFUL)


def telling(coloured: Sequence[np.ndarray], sizes: Sequence[int], classes: tuple[str, ...]) -> list[str]:
    """``notes`` of classes of ``sizes`` faces, of which those looked at are ``coloured`` (n,) bool or not: of the most
    telling one first, and then of the next as if that were not there."""
    remaining = {index for index, looked_at in enumerate(coloured) if len(looked_at)}
    found, told = [], []
    while len(remaining) > 1:
        compared = {
            index: _compared(index, remaining - {index}, coloured, sizes)
            for index in remaining
            if len(coloured[index]) >= FEWEST
        }
        index = max(compared, key=lambda index: abs(compared[index][0] - compared[index][1]), default=None)
        if index is None:
            break
        own, others, error = compared[index]
        if abs(own - others) <= max(TELLING, SURELY * error):
            break
        without = f" (but for {', '.join(told)})" if told else ""
        found.append(
            f"colour tells {classes[index]}: {own:.0%} of its training faces are in colour and {others:.0%} of the others"
            f"{without}, which a classifier can learn in place of the expression; set train.colour to false to hide it"
        )
        told.append(classes[index])
        remaining.remove(index)
    return found


def _compared(
    index: int, others: set[int], coloured: Sequence[np.ndarray], sizes: Sequence[int]
) -> tuple[float, float, float]:
    """The shares in colour of a class and of others together, and the standard error that their difference would have by
    chance alone."""
    own = float(coloured[index].mean())
    weights = [sizes[other] for other in others]
    share = float(np.average([coloured[other].mean() for other in others], weights=weights))
    pooled = float(np.average([own, share], weights=[sizes[index], sum(weights)]))
    number = sum(len(coloured[other]) for other in others)
    return own, share, math.sqrt(pooled * (1 - pooled) * (1 / len(coloured[index]) + 1 / number))


def _spread(places: np.ndarray) -> np.ndarray:
    """At most LOOKED_AT of them."""
    return places[np.unique(np.linspace(0, len(places) - 1, LOOKED_AT).round().astype(int))] if len(places) else places
