"""Random views of a batch.

The geometry is the same for an image and its heatmap. Colour changes and erasing apply to the image alone.

The geometry is an affine map from output to input coordinates. Both are (x, y) in [-1, 1] over the whole frame, and
(-1, -1) is the top left corner of the top left pixel. So one matrix holds for the image and the heatmap at any resolution.

All randomness is a table of uniform numbers that is drawn beforehand, with one row for each image of an epoch
(``random_params``). So the view of an image depends only on the image's place in the epoch. It depends neither on the other
images of the batch nor on the process that works on it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.runtime.parameters import Augment
from train.data.dataset import Batch
from train.data.luma import LUMA_WEIGHTS, constants, luma

MARGIN = 1.25  # side of a shrunk crop, as a multiple of the input size
BRIGHTNESS = CONTRAST = SATURATION = 0.4  # factors are uniform in 1 -/+ this
HUE = 0.1  # of a full turn, either way
ERASED_AREA = (0.02, 0.33)  # share of the image
ERASED_RATIO = (0.3, 3.3)  # height / width, uniform in its logarithm
MIX_NUMBERS = 4  # uniform numbers for a method that mixes images
NUMBERS = 16 + MIX_NUMBERS  # uniform numbers for a view

RandomNumbers = Iterator[Tensor]  # (B,) each, uniform in [0, 1): one number for each image


@dataclass(frozen=True)
class View:
    """A batch as the classifier receives it.

    An image may be made of two images (CutMix). Then the share ``mix_ratio`` of it has the class in ``targets``, and the
    rest the class in ``mixed_targets``.
    """

    images: Tensor  # (B, 3, size, size) float in [0, 1]
    heatmaps: Tensor  # (B, 1, n, n) float in [0, 1]
    has_map: Tensor  # (B,) bool
    targets: Tensor  # (B,) int64
    mixed_targets: Tensor  # (B,) int64; the same object as ``targets`` if nothing is mixed
    mix_ratio: Tensor  # (B,) float in [0, 1]; 1 if nothing is mixed


def random_params(number: int, generator: torch.Generator) -> Tensor:
    """Draw the random numbers of ``number`` images.

    Returns:
        (number, NUMBERS) float, uniform in [0, 1). The last MIX_NUMBERS columns are for methods that mix images.
    """
    return torch.rand(number, NUMBERS, generator=generator)


def train_view(batch: Batch, size: int, params: Augment, random_numbers: Tensor) -> View:
    """Make a random view of every image.

    Args:
        batch: Crops and heatmaps.
        size: Side of the network's input in pixels.
        params: Limits and probabilities of the changes.
        random_numbers: (B, NUMBERS), as ``random_params`` draws them.
    """
    numbers = iter(random_numbers.to(batch.images.device, non_blocking=True).unbind(dim=1))
    geometry = random_geometry(params, numbers)
    images = warp(_to_unit_range(shrink(batch.images, size)), geometry, size, padding="border")
    heatmaps = warp(_to_unit_range(batch.heatmaps), geometry, batch.heatmaps.shape[-1], padding="zeros")
    images = jitter(images, params.jitter_probability, numbers)
    images = to_grey(images, params.grey_probability, numbers)
    return _view(batch, erase(images, params.erase_probability, numbers), heatmaps)


def whole_view(batch: Batch, size: int) -> View:
    """Make the view that shows the whole crop unchanged, at ``size`` x ``size`` pixels."""
    identity = torch.eye(2, 3, device=batch.images.device).repeat(len(batch.targets), 1, 1)
    images = warp(_to_unit_range(shrink(batch.images, size)), identity, size, padding="border")
    return _view(batch, images, _to_unit_range(batch.heatmaps))


def _view(batch: Batch, images: Tensor, heatmaps: Tensor) -> View:
    return View(images, heatmaps, batch.has_map, batch.targets, batch.targets, torch.ones_like(heatmaps[:, 0, 0, 0]))


def shrink(images: Tensor, size: int) -> Tensor:
    """Shrink images with antialiasing if they are much larger than the size at which they are sampled.

    Sampling reads four pixels for each pixel of the output, so it would alias. The margin keeps the detail of a view that
    shows only a part of the crop.

    Args:
        images: (B, 3, S, S) in [0, 255].
        size: Side in pixels at which the images are sampled.

    Returns:
        The images, with a side of MARGIN * size pixels at most.
    """
    side = round(MARGIN * size)
    if images.shape[-1] <= side:
        return images
    # On a CPU, bytes take a sixth of the time; the result is rounded to whole levels. GPUs only take floats.
    levels = images if images.device.type == "cpu" else images.float()
    shrunk = F.interpolate(levels, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return shrunk if shrunk.dtype == images.dtype else shrunk.round()


def _to_unit_range(levels: Tensor) -> Tensor:
    """Turn levels in [0, 255] into floats in [0, 1]."""
    return levels.float() / 255


def random_geometry(params: Augment, numbers: RandomNumbers) -> Tensor:
    """Draw a rotation, a square crop of random area and place, and a flip.

    Returns:
        Matrices (B, 2, 3) from output to input coordinates.
    """
    angle = math.radians(params.rotation) * _uniform(-1, 1, numbers)
    side = _uniform(params.min_crop_area, 1, numbers).sqrt()
    centre = torch.stack([(1 - side) * _uniform(-1, 1, numbers) for _ in range(2)], dim=1)
    mirror = torch.where(_uniform(0, 1, numbers) < params.flip_probability, -1.0, 1.0)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    scale = torch.diag_embed(torch.stack([side * mirror, side], dim=1))
    return torch.cat([rotation @ scale, rotation @ centre[:, :, None]], dim=2)


def warp(maps: Tensor, geometry: Tensor, size: int, padding: str) -> Tensor:
    """Sample maps bilinearly at the places that the geometry gives to the pixels of the output.

    Args:
        maps: (B, C, H, W) float.
        geometry: (B, 2, 3), from output to input coordinates.
        size: Side of the output in pixels.
        padding: Values beyond the border: ``border`` or ``zeros``.

    Returns:
        (B, C, size, size).
    """
    grid = F.affine_grid(geometry, [*maps.shape[:2], size, size], align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def jitter(images: Tensor, probability: float, numbers: RandomNumbers) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image (B, 3, H, W) in [0, 1] with the given probability."""
    # Every step is linear, and the last two leave greys unchanged: one matrix and one offset do all of them.
    brightness, contrast, saturation = (_factor(spread, numbers) for spread in (BRIGHTNESS, CONTRAST, SATURATION))
    to_luma = constants(LUMA_WEIGHTS, images).expand(3, 3)
    matrix = saturation * torch.eye(3, device=images.device) + (1 - saturation) * to_luma
    matrix = hue_rotation(_uniform(-HUE, HUE, numbers)) @ matrix * (contrast * brightness)
    mean = luma(images.mean(dim=(2, 3), keepdim=True)).flatten(1)[:, None]
    offset = (1 - contrast) * brightness * mean
    jittered = torch.baddbmm(offset, matrix, images.flatten(2)).view_as(images).clamp(0, 1)
    return torch.where(_is_chosen(probability, numbers), jittered, images)


def to_grey(images: Tensor, probability: float, numbers: RandomNumbers) -> Tensor:
    """Replace each image (B, 3, H, W) by its luma with the given probability."""
    return torch.where(_is_chosen(probability, numbers), luma(images).expand_as(images), images)


def erase(images: Tensor, probability: float, numbers: RandomNumbers) -> Tensor:
    """Fill a random rectangle of each image (B, 3, H, W) with mid-grey (0.5), with the given probability."""
    number, _, height, width = images.shape
    area = _uniform(*ERASED_AREA, numbers)
    low, high = ERASED_RATIO
    ratio = _uniform(math.log(low), math.log(high), numbers).exp()
    inside = torch.ones(number, 1, height, width, dtype=torch.bool, device=images.device)
    for axis, (length, share) in enumerate(((height, (area * ratio).sqrt()), (width, (area / ratio).sqrt())), start=2):
        extent = share.clamp(max=1) * length
        start = _uniform(0, 1, numbers) * (length - extent)
        position = torch.arange(length, device=images.device) + 0.5
        covered = (position >= start[:, None]) & (position < (start + extent)[:, None])
        inside &= covered.view(number, 1, *((length, 1) if axis == 2 else (1, length)))
    return images.masked_fill(inside & _is_chosen(probability, numbers), 0.5)


def hue_rotation(turns: Tensor) -> Tensor:
    """Return rotations of RGB colours about the grey axis (Rodrigues' formula).

    Args:
        turns: (B,) angles in full turns. A third of a turn maps red to green.

    Returns:
        Matrices (B, 3, 3).
    """
    angle = turns * 2 * math.pi
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    axis = 1 / math.sqrt(3)
    identity = torch.eye(3, device=turns.device)
    cross = axis * (identity.roll(1, 0) - identity.roll(1, 1))  # of the vector (1, 1, 1)
    return cos * identity + sin * cross + (1 - cos) / 3


def _factor(spread: float, numbers: RandomNumbers) -> Tensor:
    """Draw factors (B, 1, 1), uniform in 1 -/+ spread."""
    return _uniform(1 - spread, 1 + spread, numbers).view(-1, 1, 1)


def _is_chosen(probability: float, numbers: RandomNumbers) -> Tensor:
    """Choose each image with the given probability: (B, 1, 1, 1) bool."""
    return (_uniform(0, 1, numbers) < probability).view(-1, 1, 1, 1)


def _uniform(low: float, high: float, numbers: RandomNumbers) -> Tensor:
    """Take the next numbers (B,), uniform in [low, high)."""
    return low + (high - low) * next(numbers)
