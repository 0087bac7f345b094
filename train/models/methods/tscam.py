"""TS-CAM: class maps from a transformer's patches, and where its class token looks (Gao et al., ICCV 2021)."""

from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores


class TsCam(Method):
    """A 3 x 3 convolution turns the patches into a map per class, whose mean is the score. The class map is that map
    coupled with (multiplied by) the class token's attention over all blocks (equation 9): it says where, the other what.
    """

    needs_attention = True

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes, 3, padding=1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        maps = self.conv(features.layers[-1])
        return Scores(maps.mean(dim=(2, 3)), maps * features.class_attention[:, None])
