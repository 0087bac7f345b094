"""The alignment losses: they pull layer-wise attention, and the true class's map, towards the action-unit heatmap.

    T_l = mean over channels of the features of layer l
    R   = mean over layers l and over samples with a map of  1 - cos(T_l, A_l)

where A_l is the heatmap A at the size of T_l (Belharbi et al. 2024, arXiv 2402.00281, section 3). The paper has no loss of
the class map. Here it is

    R_cam = mean over samples with a map of  1 - cos(M - min M, A)

where M is the true class's map at the size of A. R_cam is 1 - CAM-COS. CAM-COS resizes in another way than ATT-COS.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from train.models.maps import attention, cosine, map_size, resize_cam, resize_in_range


def alignment_loss(features: Sequence[Tensor], heatmaps: Tensor, has_map: Tensor) -> Tensor:
    """Compute the loss R of the module's docstring, without its weight lambda.

    Args:
        features: One tensor (B, C, h, w) per guided layer.
        heatmaps: (B, 1, H, W) in [0, 1].
        has_map: (B,) bool. Samples without a map do not count.

    Returns:
        A scalar. If no sample has a map, the loss is exactly zero and so is its gradient.

    Raises:
        ValueError: If ``features`` is empty.
    """
    if not features:
        raise ValueError("alignment_loss needs the features of at least one layer")
    with_map = has_map.bool()
    if not with_map.any():
        return torch.stack([layer[with_map].sum() for layer in features]).sum()  # an empty sum: 0, and differentiable
    heatmaps = heatmaps[with_map].to(features[0].dtype)
    losses = []
    for layer in features:
        maps = attention(layer)[with_map]  # selected after the mean: selecting before it would copy all channels
        losses.append((1 - cosine(maps, resize_in_range(heatmaps, map_size(maps)))).mean())
    return torch.stack(losses).mean()


def map_alignment_loss(maps: Tensor, heatmaps: Tensor, has_map: Tensor) -> Tensor:
    """Compute the loss R_cam of the module's docstring, without its weight.

    Args:
        maps: (B, h, w), the map of each sample's true class.
        heatmaps: As in ``alignment_loss``.
        has_map: As in ``alignment_loss``.

    Returns:
        A scalar. If no sample has a map, the loss is exactly zero and so is its gradient.
    """
    with_map = has_map.bool()
    if not with_map.any():
        return maps[with_map].sum()  # an empty sum: 0, and differentiable
    maps = maps[with_map][:, None]
    maps = maps - maps.amin(dim=(2, 3), keepdim=True)
    return (1 - cosine(resize_cam(maps, map_size(heatmaps)), heatmaps[with_map].to(maps.dtype))).mean()
