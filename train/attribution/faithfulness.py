"""Insertion and deletion: does the network need the places that a map shows? (Petsiuk et al. 2018, arXiv 1806.07421, 4.2).

Pixels are changed in the order of the map, the highest first. Insertion starts from the blurred image and replaces more and
more of it by the image itself: the sooner the class's probability rises, the better the map. Deletion starts from the image
and replaces more and more of it by its mean colour: the sooner the probability falls, the better the map. Each figure is the
area under the curve of the probability over the share of changed pixels, by the trapezoidal rule.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from train.models.classifier import Classifier
from train.models.maps import map_size

BLUR = 1 / 12  # of the image's width: standard deviation of the blur that hides pixels which are not inserted yet


@torch.no_grad()
def insertion_deletion(
    classifier: Classifier, images: Tensor, targets: Tensor, maps: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Compute the areas of insertion and deletion.

    Args:
        classifier: In evaluation mode.
        images: (B, 3, H, W) in [0, 1].
        targets: (B,) int64, the class of each image whose probability counts.
        maps: (B, 1, n, n), one map per image.
        steps: Number of steps from no changed pixel to all.

    Returns:
        Areas (B,) of insertion (higher is better) and of deletion (lower is better), both in [0, 1].
    """
    order = ranks(F.interpolate(maps, size=map_size(images), mode="bilinear", align_corners=False))
    blurred, mean = blur(images), images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    curves = []
    for step in range(steps + 1):
        changed = order < step / steps
        inputs = torch.cat([torch.where(changed, images, blurred), torch.where(changed, mean, images)])
        probabilities = classifier(inputs).logits.softmax(dim=1)
        curves.append(probabilities.gather(1, torch.cat([targets, targets])[:, None])[:, 0])
    areas = torch.trapezoid(torch.stack(curves), dx=1 / steps, dim=0)
    return areas[: len(images)], areas[len(images) :]


def ranks(maps: Tensor) -> Tensor:
    """Rank every pixel of maps (B, 1, H, W), from the highest (0) to the lowest (just below 1).

    Of equal pixels, the first in reading order comes first.
    """
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    positions = torch.arange(order.shape[1], device=maps.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, positions).view_as(maps) / order.shape[1]


def blur(images: Tensor) -> Tensor:
    """Blur images (B, C, H, W) by a Gaussian of BLUR times their width; the image is mirrored at the border."""
    sigma = BLUR * images.shape[3]
    reach = min(round(3 * sigma), min(images.shape[2:]) - 1)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(images.shape[1], 1, 1, 1)  # (C, 1, 1, 2 reach + 1)
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    across = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=images.shape[1])
