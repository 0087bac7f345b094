"""PRM: only the peaks of a class's map decide the class's score (Zhou et al., CVPR 2018)."""

import torch.nn.functional as F
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores

WINDOW = 3  # cells: width and height of the neighbourhood in which a peak is the highest cell


class Prm(Method):
    """Class response maps from a 1 x 1 convolution of the last layer."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes, 1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:  # noqa: ARG002 (Method's signature)
        """Score the classes by the peaks of their maps; see ``Method.forward``."""
        maps = self.conv(features.layers[-1])
        return Scores(at_peaks(maps), maps)


def at_peaks(maps: Tensor) -> Tensor:
    """Compute scores (B, K) of maps (B, K, h, w): the mean over their local maxima (equation 2).

    Only the maxima get a gradient. Every cell of a plateau with no higher neighbour is a maximum, so that the score of a
    flat map is its value.
    """
    values = maps.detach()
    peaks = (values == F.max_pool2d(values, WINDOW, stride=1, padding=WINDOW // 2)).to(maps.dtype)
    return (maps * peaks).sum(dim=(2, 3)) / peaks.sum(dim=(2, 3))
