"""CAM: one linear layer over average-pooled features (Zhou et al. 2016, arXiv 1512.04150)."""

from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores


class Cam(Method):
    """A linear layer whose row for a class weights the last layer's channels to give the class's map (equation 2)."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.linear = nn.Linear(channels[-1], number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:  # noqa: ARG002 (Method's signature)
        """Score the classes from the mean of the last layer; see ``Method.forward``."""
        last = features.layers[-1]
        maps = (last.movedim(1, -1) @ self.linear.weight.T).movedim(-1, 1)  # a single product in the channels-last layout
        return Scores(self.linear(last.mean(dim=(2, 3))), maps)
