"""What a backbone gives: the feature maps of its five layers."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

After = Callable[[int, Tensor], Tensor]


class Features(NamedTuple):
    """What a backbone sees in images."""

    layers: list[Tensor]  # (B, C, h, w) of layers 1 (the stem) to 5
    attention: Tensor | None = (
        None  # (B, h, w): a transformer's attention of its class token to the patches, over all blocks
    )


def unchanged(layer: int, hidden: Tensor) -> Tensor:
    """An ``After`` that changes nothing."""
    return hidden
