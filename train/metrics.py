"""How well attention and class activation maps (CAMs) agree with the heatmap of the true expression. Pure functions.

Heatmaps are (B, 1, H, W) in [0, 1]; both metrics are cosines in [0, 1], one per sample, and mean nothing where a sample
has no map.
"""

import torch.nn.functional as F
from torch import Tensor

from train.alignment import attention, cosine, resize_in_range


def attention_cosine(features: Tensor, heatmaps: Tensor) -> Tensor:
    """ATT-COS (B,) of a layer's features (B, C, h, w): cosine of layer-wise attention and heatmap at the heatmap's size."""
    return cosine(attention_map(features, heatmaps.shape[2:]), heatmaps)


def cam_cosine(cams: Tensor, heatmaps: Tensor) -> Tensor:
    """CAM-COS (B,) of the true class's CAM (B, h, w): cosine of the normalised CAM and the heatmap at its size."""
    return cosine(cam_map(cams, heatmaps.shape[2:]), heatmaps)


def attention_map(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Layer-wise attention (B, 1, *size) of features (B, C, h, w); a map with negative values is shifted to start at 0."""
    maps = attention(features)
    return resize_in_range(maps - maps.amin(dim=(2, 3), keepdim=True).clamp(max=0), size)


def cam_map(cams: Tensor, size: tuple[int, int]) -> Tensor:
    """CAMs (B, h, w) with their minimum at 0 and maximum at 1, resized to (B, 1, *size)."""
    return F.interpolate(normalise(cams[:, None]), size=size, mode="bilinear", align_corners=False).clamp(0, 1)


def normalise(maps: Tensor) -> Tensor:
    """Each of the maps (B, 1, h, w) with its minimum at 0 and maximum at 1; a constant map becomes zeros."""
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    span = high - low
    return (maps - low) / span.masked_fill(span == 0, 1)
