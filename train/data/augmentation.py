"""Random views of a batch. Image and heatmap share one geometry; colour and erasing touch the image alone.

Geometry is an affine map from output to input coordinates, both in [-1, 1] over the whole frame ((-1, -1) is the top left
corner of the top left pixel), so that it holds for image and heatmap whatever their resolutions.

All chance is a table of uniform numbers that is drawn beforehand, one row per image of an epoch (``draw``): an image's view
depends on its place in the epoch alone, not on who else is in its batch or which process works on it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.runtime.parameters import Augment
from train.data import luma as grey
from train.data.dataset import Batch
from train.data.luma import luma

MARGIN = 1.25
BRIGHTNESS = CONTRAST = SATURATION = 0.4  # factors are uniform in 1 -/+ this
HUE = 0.1  # of a full turn, either way
ERASED_AREA = (0.02, 0.33)  # share of the image
ERASED_RATIO = (0.3, 3.3)  # height / width, uniform in its logarithm
MIX_NUMBERS = 4
NUMBERS = 16 + MIX_NUMBERS  # uniform numbers that a view takes

Chance = Iterator[Tensor]  # (B,) each, uniform in [0, 1)


@dataclass(frozen=True)
class View:
    """A batch as the classifier is to see it. Where an image is made of two (CutMix), ``share`` of it is of the class
    ``targets`` and the rest of ``others``; elsewhere ``share`` is 1."""

    images: Tensor  # (B, 3, size, size) float in [0, 1]
    heatmaps: Tensor  # (B, 1, n, n) float in [0, 1]
    has_map: Tensor  # (B,) bool
    targets: Tensor  # (B,) int64
    mixed_targets: Tensor  # (B,) int64
    mix_ratio: Tensor  # (B,) float, 1 where nothing is mixed


def random_params(number: int, generator: torch.Generator) -> Tensor:
    """The chance of ``number`` images: (number, NUMBERS) uniform in [0, 1); the last MIX_NUMBERS are for methods that mix."""
    return torch.rand(number, NUMBERS, generator=generator)


def train_view(batch: Batch, size: int, params: Augment, draws: Tensor) -> View:
    """A random view by ``draws`` (B, NUMBERS)."""
    chance = iter(draws.to(batch.images.device).unbind(dim=1))
    geometry = random_geometry(params, chance)
    images = warp(_unit(shrunk(batch.images, size)), geometry, size, padding="border")
    heatmaps = warp(_unit(batch.heatmaps), geometry, batch.heatmaps.shape[-1], padding="zeros")
    images = jitter(images, params.jitter_probability, chance)
    images = to_grey(images, params.grey_probability, chance)
    return _view(batch, erase(images, params.erase_probability, chance), heatmaps)


def whole_view(batch: Batch, size: int) -> View:
    """The whole crop."""
    identity = torch.eye(2, 3, device=batch.images.device).repeat(len(batch.targets), 1, 1)
    images = warp(_unit(shrunk(batch.images, size)), identity, size, padding="border")
    return _view(batch, images, _unit(batch.heatmaps))


def _view(batch: Batch, images: Tensor, heatmaps: Tensor) -> View:
    return View(images, heatmaps, batch.has_map, batch.targets, batch.targets, torch.ones_like(heatmaps[:, 0, 0, 0]))


def shrunk(images: Tensor, size: int) -> Tensor:
    """Images (B, 3, S, S) in [0, 255], shrunk with antialiasing where they are much larger than the ``size`` they are to
    be sampled at: sampling reads four pixels for each, and would alias. The margin keeps the detail of crops."""
    side = round(MARGIN * size)
    if images.shape[-1] <= side:
        return images
    # As bytes it takes a sixth of the time, and rounds to whole levels; GPUs take floats alone.
    images = images if images.device.type == "cpu" else images.float()
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def _unit(levels: Tensor) -> Tensor:
    """Levels in [0, 255] as floats in [0, 1]."""
    return levels.float() / 255


def random_geometry(params: Augment, chance: Chance) -> Tensor:
    """Rotation, then a square crop of random area and place, then a flip, as matrices (B, 2, 3)."""
    angle = math.radians(params.rotation) * _uniform(-1, 1, chance)
    side = _uniform(params.min_crop_area, 1, chance).sqrt()
    centre = torch.stack([(1 - side) * _uniform(-1, 1, chance) for _ in range(2)], dim=1)
    mirror = torch.where(_uniform(0, 1, chance) < params.flip_probability, -1.0, 1.0)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    scale = torch.diag_embed(torch.stack([side * mirror, side], dim=1))
    return torch.cat([rotation @ scale, rotation @ centre[:, :, None]], dim=2)


def warp(maps: Tensor, geometry: Tensor, size: int, padding: str) -> Tensor:
    """Read maps (B, C, H, W) bilinearly at the places that ``geometry`` (B, 2, 3) gives to size x size pixels."""
    grid = F.affine_grid(geometry, [*maps.shape[:2], size, size], align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def jitter(images: Tensor, probability: float, chance: Chance) -> Tensor:
    """Random brightness, contrast, saturation and hue, on each image with the given probability."""
    # Each step is linear, and the last two leave greys as they are: one matrix and one offset do it all.
    brightness, contrast, saturation = (_factor(spread, chance) for spread in (BRIGHTNESS, CONTRAST, SATURATION))
    to_luma = images.new_tensor(grey.WEIGHTS).expand(3, 3)
    matrix = saturation * torch.eye(3, device=images.device) + (1 - saturation) * to_luma
    matrix = _hue_turned(_uniform(-HUE, HUE, chance)) @ matrix * (contrast * brightness)
    mean = luma(images.mean(dim=(2, 3), keepdim=True)).flatten(1)[:, None]
    offset = (1 - contrast) * brightness * mean
    jittered = torch.baddbmm(offset, matrix, images.flatten(2)).view_as(images).clamp(0, 1)
    return torch.where(_chosen(probability, chance), jittered, images)


def to_grey(images: Tensor, probability: float, chance: Chance) -> Tensor:
    """Replace each image by its luma with the given probability."""
    return torch.where(_chosen(probability, chance), luma(images).expand_as(images), images)


def erase(images: Tensor, probability: float, chance: Chance) -> Tensor:
    """Fill a random rectangle of each image with mid-grey, with the given probability."""
    number, _, height, width = images.shape
    area = _uniform(*ERASED_AREA, chance)
    ratio = _uniform(*map(math.log, ERASED_RATIO), chance).exp()
    inside = torch.ones(number, 1, height, width, dtype=torch.bool, device=images.device)
    for axis, (length, extent) in enumerate(((height, (area * ratio).sqrt()), (width, (area / ratio).sqrt())), start=2):
        extent = extent.clamp(max=1) * length
        start = _uniform(0, 1, chance) * (length - extent)
        position = torch.arange(length, device=images.device) + 0.5
        covered = (position >= start[:, None]) & (position < (start + extent)[:, None])
        inside &= covered.view(number, 1, *((length, 1) if axis == 2 else (1, length)))
    return images.masked_fill(inside & _chosen(probability, chance), 0.5)


def _hue_turned(turns: Tensor) -> Tensor:
    """Rotations (B, 3, 3) of colours about the grey axis (Rodrigues' formula), by ``turns`` (B,) in full turns."""
    angle = turns * 2 * math.pi
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    axis = 1 / math.sqrt(3)
    cross = axis * turns.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cos * torch.eye(3, device=turns.device) + sin * cross + (1 - cos) / 3


def _factor(spread: float, chance: Chance) -> Tensor:
    return _uniform(1 - spread, 1 + spread, chance).view(-1, 1, 1)


def _chosen(probability: float, chance: Chance) -> Tensor:
    return (_uniform(0, 1, chance) < probability).view(-1, 1, 1, 1)


def _uniform(low: float, high: float, chance: Chance) -> Tensor:
    return low + (high - low) * next(chance)
