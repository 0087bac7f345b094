"""What every backbone has in common, and what it gives: the feature maps of its five layers."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

LayerHook = Callable[[int, Tensor], Tensor]


class Features(NamedTuple):
    """What a backbone sees in images."""

    layers: list[Tensor]  # (B, C, h, w) of layers 1 (the stem) to 5
    class_attention: Tensor | None = None  # (B, h, w): of a transformer's class token to the patches, summed over blocks


def unchanged(layer: int, hidden: Tensor) -> Tensor:
    """An ``LayerHook`` that changes nothing."""
    return hidden


class Backbone(nn.Module):
    """Images (B, 3, H, W) in [0, 1] RGB to Features. ``after(layer, hidden)`` is what it goes on with after layers 1 to 4;
    the features are those before that."""

    channels: tuple[int, ...]  # of the five layers
    supports_layer_hook = True  # whether it can go on with something else; where not, it ignores ``after``
    gives_attention = False  # whether Features.class_attention is there
    has_folded_statistics = False  # whether its batch norms come with their statistics folded into scale and shift

    def forward(self, images: Tensor, after: LayerHook = unchanged) -> Features:
        raise NotImplementedError

    def description(self) -> dict:
        """What rebuilds it without any file, as plain data, beside its name and its weights."""
        return {}
