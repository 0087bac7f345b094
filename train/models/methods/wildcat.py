"""WILDCAT: several maps per class, judged by their strongest and their weakest cells (Durand et al., CVPR 2017)."""

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores

MODALITIES = 5  # maps per class
STRONGEST, WEAKEST = 0.5, 0.1  # shares of the cells
WEAKEST_WEIGHT = 0.6


class Wildcat(Method):
    """A 1 x 1 convolution gives each class several maps; their mean is the class's map (the class-wise pooling)."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes * MODALITIES, 1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        maps = self.conv(features.layers[-1]).unflatten(1, (self.number_of_classes, MODALITIES)).mean(dim=2)
        return Scores(pooled(maps), maps)


def pooled(maps: Tensor) -> Tensor:
    """Scores (B, K) of maps (B, K, h, w): the mean of the strongest cells plus alpha times that of the weakest (equation
    2 of the paper). Each is at least one cell, however small the map."""
    cells = maps.flatten(2)
    strongest, weakest = (max(1, round(share * cells.shape[2])) for share in (STRONGEST, WEAKEST))
    best = torch.topk(cells, strongest, dim=2).values.mean(dim=2)
    worst = torch.topk(cells, weakest, dim=2, largest=False).values.mean(dim=2)
    return best + WEAKEST_WEIGHT * worst
