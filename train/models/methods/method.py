"""What every method has in common: it turns a backbone's features into class scores, and mostly into class maps."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from train.data.augmentation import View
from train.models.backbones import Features


class Scores(NamedTuple):
    """``maps`` say where each class is seen: the method's own class activation maps before any normalisation."""

    logits: Tensor  # (B, K), what the class is decided by
    maps: Tensor | None  # (B, K, h, w); None for a method that has none
    aux_logits: tuple[Tensor, ...] = ()  # (B, K) each: logits of further branches, trained beside


class Method(nn.Module):
    """A classifier's head and what its recipe changes besides. ``channels`` are those of the backbone's five layers.

    A subclass gives ``forward`` and, where its recipe needs it, the others.
    """

    needs_attention = False  # whether it works only with a backbone that gives Features.class_attention

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__()
        self.channels = channels
        self.number_of_classes = number_of_classes

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        """``targets`` (B,) are the true classes, known only in training."""
        raise NotImplementedError

    def layer_hook(self, layer: int, hidden: Tensor) -> Tensor:
        """What the backbone goes on with after ``layer`` (1 to 4), in place of ``hidden`` (B, C, h, w). The layer that is
        guided and shown, and that ``forward`` gets, stays ``hidden``."""
        return hidden

    def mix(self, view: View, draws: Tensor) -> View:
        """Views of faces made of several; ``draws`` (B, 4) are uniform in [0, 1)."""
        return view

    def classification_loss(self, scores: Scores, targets: Tensor, label_smoothing: float) -> Tensor:
        """Per sample (B,): cross-entropy, the mean over the branches."""
        branches = [scores.logits, *scores.aux_logits]
        losses = [F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none") for logits in branches]
        return sum(losses) / len(losses)
