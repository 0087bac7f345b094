"""The grey values of an image."""

from collections.abc import Sequence

import torch
from torch import Tensor

LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue (Rec. 601)


def luma(images: Tensor) -> Tensor:
    """Return the grey values (B, 1, H, W) of RGB images (B, 3, H, W), in the range of the images."""
    return (images * constants(LUMA_WEIGHTS, images).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def constants(values: Sequence[float], like: Tensor) -> Tensor:
    """Make a vector of constants with the type and the device of ``like``.

    The device itself fills it. A copy of numbers from the host would make the host wait for a GPU.
    """
    return torch.stack([like.new_full((), value) for value in values])
