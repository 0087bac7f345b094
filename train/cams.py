"""Class activation maps: which places of the last layer speak for a class."""

import torch
from torch import Tensor


def cam(features: Tensor, weights: Tensor, targets: Tensor) -> Tensor:
    """CAM (B, h, w) of each sample's own target: last-layer features (B, C, h, w) weighted by the target's row of the
    linear classifier's weights (K, C) (Zhou et al. 2016, equation 2)."""
    return torch.einsum("bchw,bc->bhw", features, weights[targets])
