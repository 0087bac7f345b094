"""The common interface of all methods: a method turns a backbone's features into class scores and, mostly, class maps."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from train.data.augmentation import View
from train.models.backbones import Features


class Scores(NamedTuple):
    """The output of a method for B images and K classes."""

    logits: Tensor  # (B, K), which decide the class
    maps: Tensor | None  # (B, K, h, w): the method's own class activation maps, not normalised; None if it has none
    aux_logits: tuple[Tensor, ...] = ()  # (B, K) each: logits of further branches, which are trained as well


class Method(nn.Module, ABC):
    """A classifier's head, and everything else that the method's recipe changes.

    A subclass gives ``forward`` and overrides the other functions where its recipe needs it.
    """

    needs_attention = False  # True: the method needs a backbone that gives Features.class_attention

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        """``channels`` are those of the backbone's five layers."""
        super().__init__()
        self.channels = channels
        self.number_of_classes = number_of_classes

    @abstractmethod
    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        """Compute class scores and class maps.

        Args:
            features: The backbone's, of B images.
            targets: (B,) int64, the true classes; only in training.
        """

    def layer_hook(self, layer: int, hidden: Tensor) -> Tensor:  # noqa: ARG002 (subclasses need the layer)
        """Change the features with which the backbone continues after a layer.

        The layer that is guided and shown, and that ``forward`` gets, stays ``hidden``.

        Args:
            layer: 1 to 4.
            hidden: (B, C, h, w), the features of the layer.

        Returns:
            Features of the same shape.
        """
        return hidden

    def mix(self, view: View, draws: Tensor) -> View:  # noqa: ARG002 (subclasses need the draws)
        """Make new faces, each from several faces of a batch.

        Args:
            view: A batch of B faces.
            draws: (B, 4) random numbers, uniform in [0, 1).
        """
        return view

    def classification_loss(self, scores: Scores, targets: Tensor, label_smoothing: float) -> Tensor:
        """Compute each sample's loss (B,): the mean over the branches of the cross-entropy."""
        branches = [scores.logits, *scores.aux_logits]
        first, *others = (
            F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none") for logits in branches
        )
        return sum(others, start=first) / len(branches)
