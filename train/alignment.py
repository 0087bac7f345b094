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

SELECTING = ("cpu",)  # kinds of devices on which the losses that count are selected


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
    heatmaps = _zero_without(heatmaps, has_map).to(features[0].dtype)
    losses = []
    for layer in features:
        maps = attention(layer)
        losses.append(_mean_with(1 - cosine(maps, resize_in_range(heatmaps, map_size(maps))), has_map))
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
    maps = maps[:, None] - maps.amin(dim=(1, 2))[:, None, None, None]
    heatmaps = _zero_without(heatmaps, has_map).to(maps.dtype)
    return _mean_with(1 - cosine(resize_cam(maps, map_size(heatmaps)), heatmaps), has_map)


def _zero_without(heatmaps: Tensor, has_map: Tensor) -> Tensor:
    """Zero the heatmaps (B, 1, H, W) of samples without a map: their losses are computed, whatever the heatmaps hold."""
    return torch.where(has_map.bool().view(-1, 1, 1, 1), heatmaps, 0)


def _mean_with(losses: Tensor, has_map: Tensor) -> Tensor:
    """Return the mean of the losses (B,) of samples with a map; zero, with a gradient of zero, if there is none.

    On a GPU no loss is selected: the host would have to wait until the GPU says how many there are. A CPU computes before it
    returns, so it adds the selected ones, whose sum has always been rounded in this order.
    """
    with_map = has_map.bool()
    counted = losses[with_map] if losses.device.type in SELECTING else torch.where(with_map, losses, 0)
    return counted.sum() / with_map.sum().clamp(min=1)
