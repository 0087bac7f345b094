"""TS-CAM: class maps from a transformer's patches and its class token's attention (Gao et al., ICCV 2021)."""

from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores


class TsCam(Method):
    """A 3 x 3 convolution turns the patches into a semantic map per class, whose mean is the logit.

    The class map is the semantic map times the class token's attention over all blocks (equation 9). The semantic map says
    which class a patch shows, and the attention says which patches matter.
    """

    needs_attention = True

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], number_of_classes, 3, padding=1)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:  # noqa: ARG002 (Method's signature)
        """Score the classes from the patches; see ``Method.forward``. Raises ValueError for features without attention."""
        if features.class_attention is None:
            raise ValueError("tscam needs features with class_attention")
        maps = self.conv(features.layers[-1])
        return Scores(maps.mean(dim=(2, 3)), maps * features.class_attention[:, None])
