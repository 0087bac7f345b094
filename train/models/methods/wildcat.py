"""WILDCAT: several maps per class, scored by their highest and their lowest cells (Durand et al., CVPR 2017)."""

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores

MODALITIES = 5  # maps per class
HIGHEST, LOWEST = 0.5, 0.1  # shares of the cells
LOWEST_WEIGHT = 0.6  # the paper's alpha


class Wildcat(Method):
    """A 1 x 1 convolution gives each class several maps; their mean is the class's map (the class-wise pooling)."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes * MODALITIES, 1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:  # noqa: ARG002 (Method's signature)
        """Score the classes by the highest and lowest cells of their maps; see ``Method.forward``."""
        maps = self.conv(features.layers[-1]).unflatten(1, (self.number_of_classes, MODALITIES)).mean(dim=2)
        return Scores(pooled(maps), maps)


def pooled(maps: Tensor) -> Tensor:
    """Compute scores (B, K) of maps (B, K, h, w): the mean of the highest cells plus alpha times that of the lowest.

    This is the spatial pooling, equation 2 of the paper. Each mean is over at least one cell, however small the map is.
    """
    cells = maps.flatten(2)
    highest, lowest = (max(1, round(share * cells.shape[2])) for share in (HIGHEST, LOWEST))
    best = torch.topk(cells, highest, dim=2).values.mean(dim=2)
    worst = torch.topk(cells, lowest, dim=2, largest=False).values.mean(dim=2)
    return best + LOWEST_WEIGHT * worst
