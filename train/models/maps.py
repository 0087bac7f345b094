"""A network's maps: layer-wise attention and class activation maps (CAMs), their sizes, cosines and shares of regions.

Heatmaps are (B, 1, H, W) in [0, 1]. Maps that are compared with them are (B, 1, H, W) >= 0 of the same size, as
``attention_map`` and ``cam_map`` return them. The definitions are those of Belharbi et al. 2024, arXiv 2402.00281.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def map_size(maps: Tensor) -> tuple[int, int]:
    """Height and width of maps (..., h, w)."""
    height, width = maps.shape[-2:]
    return height, width


def attention(features: Tensor) -> Tensor:
    """Layer-wise attention (B, 1, h, w) of features (B, C, h, w): the mean over the channels."""
    return features.mean(dim=1, keepdim=True)


def resize_in_range(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize maps (B, 1, H, W) to (B, 1, *size), bilinear with antialiasing, and clamp each to the range it had before."""
    resized = F.interpolate(maps, size=size, mode="bilinear", align_corners=True, antialias=True)
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    return torch.minimum(torch.maximum(resized, low), high)


def resize_cam(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize class activation maps (B, 1, h, w) to (B, 1, *size) as CAM-COS does: bilinear, with ``align_corners=False``."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def normalise(maps: Tensor) -> Tensor:
    """Scale each of the maps (B, C, h, w) to a minimum of 0 and a maximum of 1; a constant map becomes zeros."""
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    span = high - low
    return (maps - low) / span.masked_fill(span == 0, 1)


def attention_map(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Layer-wise attention (B, 1, *size) of features (B, C, h, w); a map with negative values is shifted to start at 0."""
    maps = attention(features)
    return resize_in_range(maps - maps.amin(dim=(2, 3), keepdim=True).clamp(max=0), size)


def cam_map(cams: Tensor, size: tuple[int, int]) -> Tensor:
    """Normalise CAMs (B, h, w) to a minimum of 0 and a maximum of 1, and resize them to (B, 1, *size)."""
    return resize_cam(normalise(cams[:, None]), size).clamp(0, 1)


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine (B,) of two stacks of maps with the same number of elements per sample; 0 where one map is all zero."""
    return F.cosine_similarity(first.flatten(1), second.flatten(1), dim=1)


def attention_cosine(features: Tensor, heatmaps: Tensor) -> Tensor:
    """ATT-COS (B,) of a layer: cosine of its attention and the heatmap, at the heatmap's size.

    Args:
        features: (B, C, h, w) of the layer.
        heatmaps: (B, 1, H, W) in [0, 1].
    """
    return cosine(attention_map(features, map_size(heatmaps)), heatmaps)


def cam_cosine(cams: Tensor, heatmaps: Tensor) -> Tensor:
    """CAM-COS (B,): cosine of the true class's normalised CAM and the heatmap, at the heatmap's size.

    Stage evaluate computes the same in two steps, since it needs the maps besides: ``train.attribution.prediction_maps``
    takes ``cam_map``, and ``train.evaluate.predict`` its ``cosine``.

    Args:
        cams: (B, h, w), of each sample's true class.
        heatmaps: (B, 1, H, W) in [0, 1].
    """
    return cosine(cam_map(cams, map_size(heatmaps)), heatmaps)


def energy(maps: Tensor, regions: Tensor) -> Tensor:
    """Compute the energy-based pointing game: the share of a map's sum that falls on a region.

    Source: Wang et al. 2020, arXiv 1910.01279, section 4.3.

    Args:
        maps: (B, 1, H, W) >= 0.
        regions: (B, R, H, W) bool, R regions per sample.

    Returns:
        (B, R) in [0, 1]; 0 for a map of zeros, as its cosine is.
    """
    inside = torch.einsum("bhw,brhw->br", maps[:, 0], regions.to(maps.dtype))
    total = maps.sum(dim=(1, 2, 3))[:, None]
    return inside / total.masked_fill(total == 0, 1)


def concentration(maps: Tensor, regions: Tensor) -> Tensor:
    """Compute how many times denser a map is on a region than on average: ``energy`` divided by the region's area.

    Args:
        maps: (B, 1, H, W) >= 0.
        regions: (B, R, H, W) bool, R regions per sample.

    Returns:
        (B, R) >= 0. A constant map has 1. An empty region has NaN.
    """
    area = regions.to(maps.dtype).mean(dim=(2, 3))
    return torch.where(area > 0, energy(maps, regions) / area, torch.nan)
