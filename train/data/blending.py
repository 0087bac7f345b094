"""Replace regions of aligned crops by those of other crops, so that no edge and no change of light gives them away.

Crops are aligned, so the same place of two crops shows the same part of the face: a mouth becomes another mouth.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 2.0  # cells: standard deviation of the weights by which the light around a region is averaged
FAR = 1e-3  # weight of the whole frame beside that of the surroundings, for places far from the face's own pixels


def fade(masks: Tensor) -> Tensor:
    """Give masks (B, 1, n, n) bool a soft edge: 1 in the cells of a mask, falling to 0 over the two cells around them."""
    grown = F.max_pool2d(masks.float(), 3, stride=1, padding=1)
    return F.avg_pool2d(F.pad(grown, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def mix(images: Tensor, others: Tensor, weights: Tensor) -> Tensor:
    """Mix images (B, 3, H, W) with others of the same shape, whose weights (B, 1, n, n) are in [0, 1]."""
    return torch.lerp(images, others, _enlarge(weights, images))


def blend(images: Tensor, donors: Tensor, weights: Tensor) -> Tensor:
    """Replace regions of images by the same regions of donors.

    The donor's pixels keep their detail. Their light and colour are shifted by the mean difference of both images around
    the region, weighted by distance (normalised convolution, Knutsson and Westin 1993).

    Args:
        images: (B, 3, H, W) float.
        donors: (B, 3, H, W) float, of the same range.
        weights: (B, 1, n, n) in [0, 1], those of the donors in each cell, as ``fade`` returns them; n is less than H and W.

    Returns:
        (B, 3, H, W), perhaps a little beyond the range.
    """
    known = (weights == 0).to(images.dtype)
    difference = F.interpolate(images - donors, size=weights.shape[2:], mode="area")
    near = _smooth(torch.cat([difference * known, known], dim=1))
    overall = (difference * known).sum(dim=(2, 3), keepdim=True) / known.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    shift = (near[:, :3] + FAR * overall) / (near[:, 3:] + FAR)
    return mix(images, donors + _enlarge(shift, images), weights)


def _enlarge(maps: Tensor, images: Tensor) -> Tensor:
    """Enlarge maps (B, C, n, n) to the size of images (B, 3, H, W)."""
    return F.interpolate(maps, size=images.shape[2:], mode="bilinear", align_corners=False)


def _smooth(maps: Tensor) -> Tensor:
    """Average maps (B, C, n, n) with Gaussian weights of standard deviation REACH; cells beyond the border are zeros."""
    radius = round(3 * REACH)
    weights = torch.exp(-(torch.arange(-radius, radius + 1, dtype=maps.dtype, device=maps.device) ** 2) / (2 * REACH**2))
    kernel = (weights / weights.sum()).repeat(maps.shape[1], 1, 1, 1)  # (C, 1, 1, 2 radius + 1)
    across = F.conv2d(maps, kernel, padding=(0, radius), groups=maps.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), padding=(radius, 0), groups=maps.shape[1])
