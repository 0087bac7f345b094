"""CAM: one linear layer over average-pooled features (Zhou et al. 2016, arXiv 1512.04150)."""

from torch import Tensor, nn

from train.models.backbones import Features
from train.models.methods.method import Method, Scores


class Cam(Method):
    """The map of a class is the last layer weighted by the class's row of the linear layer (equation 2)."""

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.linear = nn.Linear(channels[-1], number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        last = features.layers[-1]
        maps = (last.movedim(1, -1) @ self.linear.weight.T).movedim(-1, 1)  # one product where channels lie last
        return Scores(self.linear(last.mean(dim=(2, 3))), maps)
