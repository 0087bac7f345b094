"""What a network's maps are: layer-wise attention and class activation maps (CAMs), their sizes, and their cosines.

Heatmaps are (B, 1, H, W) in [0, 1]. Maps that are compared with them are (B, 1, H, W) >= 0 of the same size, as
``attention_map`` and ``cam_map`` give them. Definitions are those of Belharbi et al. 2024, arXiv 2402.00281.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def attention(features: Tensor) -> Tensor:
    """Layer-wise attention (B, 1, h, w) of features (B, C, h, w)."""
    return features.mean(dim=1, keepdim=True)


def resize_in_range(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize maps (B, 1, H, W) to (B, 1, *size), bilinear with antialiasing, each clamped to the range it had before."""
    resized = F.interpolate(maps, size=size, mode="bilinear", align_corners=True, antialias=True)
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    return torch.minimum(torch.maximum(resized, low), high)


def resize_cam(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize class activation maps (B, 1, h, w) to (B, 1, *size) as CAM-COS does: bilinear, cells being areas."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def normalise(maps: Tensor) -> Tensor:
    """Each of the maps (B, C, h, w) with its minimum at 0 and maximum at 1; a constant map becomes zeros."""
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    span = high - low
    return (maps - low) / span.masked_fill(span == 0, 1)


def attention_map(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Layer-wise attention (B, 1, *size) of features (B, C, h, w); a map with negative values is shifted to start at 0."""
    maps = attention(features)
    return resize_in_range(maps - maps.amin(dim=(2, 3), keepdim=True).clamp(max=0), size)


def cam_map(cams: Tensor, size: tuple[int, int]) -> Tensor:
    """CAMs (B, h, w) with their minimum at 0 and maximum at 1, resized to (B, 1, *size)."""
    return resize_cam(normalise(cams[:, None]), size).clamp(0, 1)


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine (B,) of two stacks of maps with the same number of elements a sample; 0 where one of them is all zero."""
    return F.cosine_similarity(first.flatten(1), second.flatten(1), dim=1)


def attention_cosine(features: Tensor, heatmaps: Tensor) -> Tensor:
    """ATT-COS (B,) of a layer's features (B, C, h, w): cosine of layer-wise attention and heatmap at the heatmap's size."""
    return cosine(attention_map(features, heatmaps.shape[2:]), heatmaps)


def cam_cosine(cams: Tensor, heatmaps: Tensor) -> Tensor:
    """CAM-COS (B,) of the true class's CAM (B, h, w): cosine of the normalised CAM and the heatmap at its size."""
    return cosine(cam_map(cams, heatmaps.shape[2:]), heatmaps)
