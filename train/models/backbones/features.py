"""The common interface of all backbones, and their output: the feature maps of five layers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

LayerHook = Callable[[int, Tensor], Tensor]  # (layer, features (B, C, h, w)) to the features that the network continues with


class Features(NamedTuple):
    """The output of a backbone for B images."""

    layers: list[Tensor]  # (B, C, h, w) of layers 1 (the stem) to 5
    class_attention: Tensor | None = None  # (B, h, w): of a transformer's class token to the patches, summed over blocks


def unchanged(_layer: int, hidden: Tensor) -> Tensor:
    """The ``LayerHook`` that changes nothing."""
    return hidden


class Backbone(nn.Module, ABC):
    """A network that turns images into the features of five layers. Subclasses give ``forward`` and the attributes."""

    channels: tuple[int, ...]  # of the five layers
    supports_layer_hook = True  # False: ``forward`` ignores its layer hook
    gives_attention = False  # whether Features.class_attention is there
    has_folded_statistics = False  # whether the statistics of its batch norms come folded into their scale and shift

    @abstractmethod
    def forward(self, images: Tensor, layer_hook: LayerHook = unchanged) -> Features:
        """Compute the features of five layers.

        Args:
            images: (B, 3, H, W) float in [0, 1], RGB.
            layer_hook: ``layer_hook(layer, hidden)`` is called with the features of layers 1 to 4. The network continues
                with its result. ``Features.layers`` holds the features before the hook.
        """

    def description(self) -> dict:
        """Plain data that, with the name and the weights, rebuilds the backbone without any other file."""
        return {}
