"""The alignment losses: layer-wise attention, and the true class's map, are pulled towards the action-unit heatmap.

    T_l = mean over channels of the features of layer l
    R   = mean over layers l and over samples with a map of  1 - cos(T_l, A_l)

where A_l is the heatmap A at the size of T_l (Belharbi et al. 2024, arXiv 2402.00281, section 3). Beyond the paper,

    R_cam = mean over samples with a map of  1 - cos(M - min M, A)

of the true class's map M, at the size of A: 1 - CAM-COS, which puts a map on the frame in another way than ATT-COS does.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from train.models.maps import attention, cosine, resize_cam, resize_in_range


def alignment_loss(features: Sequence[Tensor], heatmaps: Tensor, has_map: Tensor) -> Tensor:
    """The loss R above, a scalar, lambda not included.

    ``features``: one (B, C, h, w) per guided layer; ``heatmaps`` (B, 1, H, W) in [0, 1]; ``has_map`` (B,) bool. Samples
    without a map do not count; if no sample has one, the loss is exactly zero and so is its gradient.

    Raises ValueError for an empty list of layers.
    """
    if not features:
        raise ValueError("alignment_loss needs the features of at least one layer")
    with_map = has_map.bool()
    if not with_map.any():
        return torch.stack([layer[with_map].sum() for layer in features]).sum()  # of nothing: 0, and still differentiable
    heatmaps = heatmaps[with_map].to(features[0].dtype)
    losses = []
    for layer in features:
        maps = attention(layer)[with_map]  # chosen last: all channels of the chosen would be a copy
        losses.append((1 - cosine(maps, resize_in_range(heatmaps, maps.shape[2:]))).mean())
    return torch.stack(losses).mean()


def map_alignment_loss(maps: Tensor, heatmaps: Tensor, has_map: Tensor) -> Tensor:
    """The loss R_cam above, a scalar, of the true classes' maps (B, h, w); heatmaps and has_map as in ``alignment_loss``."""
    with_map = has_map.bool()
    if not with_map.any():
        return maps[with_map].sum()  # of nothing: 0, and still differentiable
    maps = maps[with_map][:, None]
    maps = maps - maps.amin(dim=(2, 3), keepdim=True)
    return (1 - cosine(resize_cam(maps, heatmaps.shape[2:]), heatmaps[with_map].to(maps.dtype))).mean()
