"""Training views that teach a classifier what to decide on: regions of a face show the same place of another face.

R(e) are the regions of expression e, as the heatmaps give them, and "own" is the expression of the face. All faces are of
one batch, whose crops are aligned. ``blending`` hides the edges.

    view       the face        its regions that change      what they show then      its label
    removed    an expression   R(own)                       a neutral face           becomes neutral
    kept       an expression   R(other) without R(own)      a neutral face           stays
    given      neutral         R(e)                         a face of e              becomes e

The label goes with what the regions show. No outline tells a label: each occurs with every label, because outlines are those
of other faces. Neutral faces are always given an expression, so that the share of neutral labels hardly grows: as many
expressions become neutral as the other way round where there are twice as many expressive faces as neutral faces.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from train.data.augmentation import shrink
from train.data.blending import blend, fade
from train.data.dataset import Batch
from train.data.regions import heatmap_regions

NUMBERS = 4  # uniform numbers for each face: whether it changes, by which view, the other face, and the outline
REMOVED = 0.5  # share of "removed" among the views of expressions


class Swaps(NamedTuple):
    """How the faces of a batch are changed."""

    neutral: int  # the class of faces without action units
    share: float  # of the faces that are changed, in [0, 1]


class _Drawn(NamedTuple):
    """A face of the batch that was drawn for each face."""

    face: Tensor  # (B,) int64
    exists: Tensor  # (B,) bool


def swap_params(number: int, generator: torch.Generator) -> Tensor:
    """Draw the random numbers (number, NUMBERS) of ``number`` faces, uniform in [0, 1)."""
    return torch.rand(number, NUMBERS, generator=generator)


def swap_regions(batch: Batch, size: int, swaps: Swaps, random_numbers: Tensor) -> Batch:
    """Change a share of the faces of a batch, as the module's docstring says.

    A face stays as it is if the batch lacks a face that its view needs.

    Args:
        batch: Crops and heatmaps.
        size: Side of the network's input in pixels.
        swaps: The neutral class, and the share of the faces that are changed.
        random_numbers: (B, NUMBERS), as ``swap_params`` draws them.

    Returns:
        The batch. Its images are shrunk to the size that training needs. Labels and heatmaps are those of what the regions
        show.
    """
    changes, view, other, outline = random_numbers.to(batch.images.device, non_blocking=True).T
    is_neutral = batch.targets == swaps.neutral
    expressive = batch.has_map & ~is_neutral
    neutral = _draw(is_neutral.expand(len(view), -1), other)
    foreign = _draw(expressive & (batch.targets != batch.targets[:, None]), outline)

    removed = expressive & (view < REMOVED) & neutral.exists
    kept = expressive & (view >= REMOVED) & neutral.exists & foreign.exists
    given = is_neutral & foreign.exists

    own = heatmap_regions(batch.heatmaps / 255)  # none on a neutral face
    regions = _where(removed, own, own[foreign.face] & ~own)
    sources = torch.where(given, foreign.face, neutral.face)
    changed = (changes < swaps.share) & (removed | kept | given)
    removed, given = removed & changed, given & changed
    return replace(
        batch,
        images=_blended(shrink(batch.images, size), changed, sources, regions),
        heatmaps=_where(given, batch.heatmaps[foreign.face], batch.heatmaps),
        has_map=(batch.has_map & ~removed) | given,
        targets=torch.where(given, batch.targets[foreign.face], batch.targets.masked_fill(removed, swaps.neutral)),
    )


def _draw(allowed: Tensor, numbers: Tensor) -> _Drawn:
    """Draw a column that is allowed (B, B) for each row, by numbers (B,) uniform in [0, 1)."""
    counts = allowed.sum(dim=1)
    reached = allowed.cumsum(dim=1) > (numbers * counts).long()[:, None]
    return _Drawn(reached.int().argmax(dim=1), counts > 0)


def _blended(images: Tensor, changed: Tensor, sources: Tensor, regions: Tensor) -> Tensor:
    """Replace the regions (B, 1, n, n) of the changed (B,) images by those of their sources; levels stay in [0, 255].

    A CPU blends the changed images alone. The host would have to wait until a GPU says how many there are, so there all are
    blended.
    """
    rows = torch.nonzero(changed)[:, 0] if images.device.type == "cpu" else torch.arange(len(images), device=images.device)
    blended = blend(images[rows].float(), images[sources[rows]].float(), fade(regions[rows])).clamp(0, 255).round()
    mixed = images.clone()
    mixed[rows] = _where(changed[rows], blended.to(images.dtype), images[rows])
    return mixed


def _where(chosen: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Take the maps or images (B, C, n, n) of chosen (B,) faces from ``first``, and the others from ``second``."""
    return torch.where(chosen.view(-1, 1, 1, 1), first, second)
