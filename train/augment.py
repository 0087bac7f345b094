"""Random views of a batch. Image and heatmap share one geometry; colour and erasing touch the image alone.

Geometry is an affine map from output to input coordinates, both in [-1, 1] over the whole frame ((-1, -1) is the top left
corner of the top left pixel), so that it holds for image and heatmap whatever their resolutions.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.params import Augment
from train.data import Batch

MARGIN = 1.25
BRIGHTNESS = CONTRAST = SATURATION = 0.4  # factors are uniform in 1 -/+ this
HUE = 0.1  # of a full turn, either way
ERASED_AREA = (0.02, 0.33)  # share of the image
ERASED_RATIO = (0.3, 3.3)  # height / width, uniform in its logarithm
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # Rec. 601 luma of RGB


def train_view(batch: Batch, size: int, params: Augment, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random view: images (B, 3, size, size) float in [0, 1] and heatmaps (B, 1, n, n) float in [0, 1]."""
    geometry = random_geometry(len(batch.targets), params, generator)
    images = sample(_shrunk(batch.images, size), geometry, size, padding="border")
    heatmaps = sample(batch.heatmaps.float() / 255, geometry, batch.heatmaps.shape[-1], padding="zeros")
    images = jitter(images, params.jitter, generator)
    images = to_grey(images, params.grey, generator)
    return erase(images, params.erase, generator), heatmaps


def whole_view(batch: Batch, size: int) -> tuple[Tensor, Tensor]:
    """The whole crop: images (B, 3, size, size) and heatmaps (B, 1, n, n), float in [0, 1]."""
    identity = torch.eye(2, 3).repeat(len(batch.targets), 1, 1)
    return sample(_shrunk(batch.images, size), identity, size, padding="border"), batch.heatmaps.float() / 255


def _shrunk(images: Tensor, size: int) -> Tensor:
    """Images (B, 3, S, S) as floats in [0, 1], shrunk with antialiasing where they are much larger than the ``size`` they
    are to be sampled at: sampling reads four pixels for each, and would alias. The margin keeps the detail of crops."""
    images, side = images.float(), round(MARGIN * size)
    if images.shape[-1] > side:
        images = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return images / 255


def random_geometry(number: int, params: Augment, generator: torch.Generator) -> Tensor:
    """Rotation, then a square crop of random area and place, then a flip, as matrices (number, 2, 3)."""
    angle = math.radians(params.rotation) * _uniform(number, -1, 1, generator)
    side = _uniform(number, params.scale, 1, generator).sqrt()
    centre = torch.stack([(1 - side) * _uniform(number, -1, 1, generator) for _ in range(2)], dim=1)
    mirror = torch.where(_uniform(number, 0, 1, generator) < params.flip, -1.0, 1.0)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    scale = torch.diag_embed(torch.stack([side * mirror, side], dim=1))
    return torch.cat([rotation @ scale, rotation @ centre[:, :, None]], dim=2)


def sample(maps: Tensor, geometry: Tensor, size: int, padding: str) -> Tensor:
    """Read maps (B, C, H, W) bilinearly at the places that ``geometry`` (B, 2, 3) gives to size x size pixels."""
    grid = F.affine_grid(geometry, [*maps.shape[:2], size, size], align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def jitter(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Random brightness, contrast, saturation and hue, on each image with the given probability."""
    number = len(images)
    jittered = images * _factor(number, BRIGHTNESS, generator)
    mean = luma(jittered).mean(dim=(2, 3), keepdim=True)
    jittered = (jittered - mean) * _factor(number, CONTRAST, generator) + mean
    grey = luma(jittered)
    jittered = (jittered - grey) * _factor(number, SATURATION, generator) + grey
    jittered = _turn_hue(jittered, _uniform(number, -HUE, HUE, generator)).clamp(0, 1)
    return torch.where(_chosen(number, probability, generator), jittered, images)


def to_grey(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Replace each image by its luma with the given probability."""
    return torch.where(_chosen(len(images), probability, generator), luma(images).expand_as(images), images)


def erase(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill a random rectangle of each image with mid-grey, with the given probability."""
    number, _, height, width = images.shape
    area = _uniform(number, *ERASED_AREA, generator)
    ratio = _uniform(number, *map(math.log, ERASED_RATIO), generator).exp()
    inside = torch.ones(number, 1, height, width, dtype=torch.bool)
    for axis, (length, extent) in enumerate(((height, (area * ratio).sqrt()), (width, (area / ratio).sqrt())), start=2):
        extent = extent.clamp(max=1) * length
        start = _uniform(number, 0, 1, generator) * (length - extent)
        position = torch.arange(length) + 0.5
        covered = (position >= start[:, None]) & (position < (start + extent)[:, None])
        inside &= covered.view(number, 1, *((length, 1) if axis == 2 else (1, length)))
    return images.masked_fill(inside & _chosen(number, probability, generator), 0.5)


def luma(images: Tensor) -> Tensor:
    """Grey value (B, 1, H, W) of RGB images (B, 3, H, W)."""
    return (images * images.new_tensor(GREY_WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _turn_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Rotate colours about the grey axis (Rodrigues' formula), ``turns`` (B,) in full turns."""
    angle = turns * 2 * math.pi
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    axis = 1 / math.sqrt(3)
    cross = axis * images.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    matrix = cos * torch.eye(3) + sin * cross + (1 - cos) / 3
    return torch.einsum("bij,bjhw->bihw", matrix, images)


def _factor(number: int, spread: float, generator: torch.Generator) -> Tensor:
    return _uniform(number, 1 - spread, 1 + spread, generator).view(-1, 1, 1, 1)


def _chosen(number: int, probability: float, generator: torch.Generator) -> Tensor:
    return (_uniform(number, 0, 1, generator) < probability).view(-1, 1, 1, 1)


def _uniform(number: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(number, generator=generator)
