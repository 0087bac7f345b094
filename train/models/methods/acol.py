"""ACoL: a second branch has to find what the first one leaves (Zhang et al., CVPR 2018)."""

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.maps import normalise
from train.models.methods.method import Method, Scores

ERASED_FROM = 0.1  # of the first branch's normalised map
WIDEST = 512  # of a branch's hidden layers: at a ResNet-50's 2,048 two branches would outweigh the network


class Acol(Method):
    """Two branches of three convolutions over the last layer. The second sees it with the region erased that the first one
    finds for the true class, or, where that is not known, for the class that it decides on.

    The first branch decides; the second is trained beside it. A class's map is the per-pixel maximum of both branches'
    maps, each normalised to [0, 1] (the paper's equation 2). What is erased is a choice without a gradient, the maps have
    one.

    Both branches are new and deep: a ``train.head_learning_rate`` of 3e-4 suits them, a tenth of what a linear layer takes.
    """

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.first = branch(channels[-1], number_of_classes)
        self.second = branch(channels[-1], number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        last = features.layers[-1]
        first = self.first(last)
        logits = first.mean(dim=(2, 3))
        seen = logits.argmax(dim=1) if targets is None else targets
        second = self.second(erased(last, first, seen))
        maps = torch.maximum(normalise(first), normalise(second))
        return Scores(logits, maps, (second.mean(dim=(2, 3)),))


def branch(channels: int, number_of_classes: int) -> nn.Sequential:
    """From features (B, C, h, w) to the maps of the classes (B, K, h, w), whose means are the scores."""
    width = min(channels, WIDEST)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, number_of_classes, 1),
    )


def erased(hidden: Tensor, maps: Tensor, classes: Tensor) -> Tensor:
    """``hidden`` (B, C, h, w) with zeros where the maps (B, K, h, w), normalised, of each sample's class (B,) are high."""
    rows = torch.arange(len(maps), device=maps.device)
    chosen = normalise(maps.detach()[rows, classes][:, None])
    return hidden * (chosen < ERASED_FROM)
