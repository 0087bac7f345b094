"""PRM: a class's score is stimulated by the peaks of its map alone (Zhou et al., CVPR 2018)."""

import torch.nn.functional as F
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores

WINDOW = 3  # cells, width and height of the neighbourhood in which a peak is the highest


class Prm(Method):
    """The class response maps are a 1 x 1 convolution of the last layer."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes, 1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        maps = self.conv(features.layers[-1])
        return Scores(at_peaks(maps), maps)


def at_peaks(maps: Tensor) -> Tensor:
    """Scores (B, K) of maps (B, K, h, w): the mean over their local maxima (equation 2), to which alone the gradient goes.
    Every cell of a plateau that nothing beside it exceeds is one: a flat map scores its value."""
    values = maps.detach()
    peaks = (values == F.max_pool2d(values, WINDOW, stride=1, padding=WINDOW // 2)).to(maps.dtype)
    return (maps * peaks).sum(dim=(2, 3)) / peaks.sum(dim=(2, 3))
