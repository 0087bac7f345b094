"""Does the network need what a map points at? Insertion and deletion (Petsiuk et al. 2018, arXiv 1806.07421, section 4.2).

Pixels are changed in the order of the map, the highest first. Insertion starts from the blurred image and shows more and
more of the image itself: the sooner the class's probability rises, the better. Deletion starts from the image and replaces
more and more of it by its mean colour: the sooner the probability falls, the better. Each figure is the area under that
curve over the share of changed pixels, by the trapezoidal rule.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from train.models.classifier import Classifier

BLUR = 1 / 12  # of the image's width: the standard deviation of the blur that hides what is not yet inserted


@torch.no_grad()
def insertion_deletion(
    classifier: Classifier, images: Tensor, targets: Tensor, maps: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Both areas (B,) in [0, 1] for images (B, 3, H, W), the probabilities of classes (B,) and maps (B, 1, n, n)."""
    order = ranks(F.interpolate(maps, size=images.shape[2:], mode="bilinear", align_corners=False))
    blurred, mean = blur(images), images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    curves = []
    for step in range(steps + 1):
        changed = order < step / steps
        shown = torch.cat([torch.where(changed, images, blurred), torch.where(changed, mean, images)])
        probabilities = classifier(shown).logits.softmax(dim=1)
        curves.append(probabilities.gather(1, torch.cat([targets, targets])[:, None])[:, 0])
    areas = torch.trapezoid(torch.stack(curves), dx=1 / steps, dim=0)
    return areas[: len(images)], areas[len(images) :]


def ranks(maps: Tensor) -> Tensor:
    """The place of every pixel of maps (B, 1, H, W) from the highest (0) to the lowest (just below 1); of equals the first
    in reading order comes first."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(order.shape[1], device=maps.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).view_as(maps) / order.shape[1]


def blur(images: Tensor) -> Tensor:
    """Images (B, C, H, W) under a Gaussian of BLUR times their width, mirrored at the border."""
    sigma = BLUR * images.shape[3]
    reach = min(round(3 * sigma), min(images.shape[2:]) - 1)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(images.shape[1], 1, 1, 1)  # (C, 1, 1, 2 reach + 1)
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    across = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=images.shape[1])
