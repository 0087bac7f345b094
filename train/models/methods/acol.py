"""ACoL: a second branch learns from the regions that the first branch leaves (Zhang et al., CVPR 2018)."""

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.maps import normalise
from train.models.methods.method import Method, Scores

ERASED_FROM = 0.1  # of the first branch's normalised map
MAX_WIDTH = 512  # of a branch's hidden layers: at the 2,048 of a ResNet-50, two branches would outweigh the network


class Acol(Method):
    """Two branches of three convolutions over the last layer.

    The input of the second branch has a region erased: the region that the first branch finds for the true class or, where
    that is unknown, for the class that the first branch predicts. The choice of this region has no gradient.

    The first branch decides the class; the second is trained as well. A class's map is the per-pixel maximum of both
    branches' maps, each normalised to [0, 1] (the paper's equation 2). The maps have a gradient.

    Both branches are new and deep: a ``train.head_learning_rate`` of 3e-4 suits them, a tenth of the rate that suits a
    linear layer.
    """

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.first = branch(channels[-1], number_of_classes)
        self.second = branch(channels[-1], number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        """Score the classes by both branches; see ``Method.forward``."""
        last = features.layers[-1]
        first = self.first(last)
        logits = first.mean(dim=(2, 3))
        classes = logits.argmax(dim=1) if targets is None else targets
        second = self.second(erased(last, first, classes))
        maps = torch.maximum(normalise(first), normalise(second))
        return Scores(logits, maps, (second.mean(dim=(2, 3)),))


def branch(channels: int, number_of_classes: int) -> nn.Sequential:
    """Build a branch, which turns features (B, C, h, w) into class maps (B, K, h, w) whose means are the logits."""
    width = min(channels, MAX_WIDTH)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, number_of_classes, 1),
    )


def erased(hidden: Tensor, maps: Tensor, classes: Tensor) -> Tensor:
    """Set features to zero where the map of a class is high.

    Args:
        hidden: (B, C, h, w).
        maps: (B, K, h, w), not normalised. They get no gradient.
        classes: (B,) int64, the class of each sample whose normalised map counts.

    Returns:
        (B, C, h, w): zeros where the normalised map is at least ERASED_FROM, ``hidden`` elsewhere.
    """
    rows = torch.arange(len(maps), device=maps.device)
    chosen = normalise(maps.detach()[rows, classes][:, None])
    return hidden * (chosen < ERASED_FROM)
