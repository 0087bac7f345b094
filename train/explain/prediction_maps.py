"""Where a classifier looks: every kind of map that is measured, at the heatmaps' size.

``layer1`` to ``layer5``  layer-wise attention, as ATT-COS takes it
``cam``       the method's own map of the actual class, as CAM-COS takes it; none for a method without maps
others        the maps of ``cams.GRADIENT_MAPS`` at layer 5 for the actual class, taken as a CAM is
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from train.explain.cams import GRADIENT_MAPS, target_gradients
from train.models.classifier import Classifier
from train.models.maps import attention_map, cam_map, resize_in_range

LAYERS = {f"layer{number}": number for number in range(1, 6)}


class PredictionMaps(NamedTuple):
    """Of B images. ``sizes`` are the (height, width) that each kind of map had before it was enlarged or shrunk."""

    logits: Tensor  # (B, K)
    maps: dict[str, Tensor]  # kind -> (B, 1, n, n) >= 0
    sizes: dict[str, tuple[int, int]]

    def to(self, device: torch.device) -> "PredictionMaps":
        """The same on a device."""
        return PredictionMaps(
            self.logits.to(device), {kind: maps.to(device) for kind, maps in self.maps.items()}, self.sizes
        )


def predict_maps(classifier: Classifier, images: Tensor, targets: Tensor, size: tuple[int, int]) -> PredictionMaps:
    """Run a classifier in evaluation mode once, and take every kind of map.

    Args:
        classifier: The network.
        images: (B, 3, H, W) in [0, 1].
        targets: (B,) the class of each image that its maps are of.
        size: Height and width (h, w) of the maps returned.
    """
    last, gradients, output = target_gradients(classifier, images, targets)
    raw = {}
    if output.maps is not None:
        raw["cam"] = output.maps.detach()[torch.arange(len(targets), device=targets.device), targets]
    raw |= {name: compute(last, gradients) for name, compute in GRADIENT_MAPS.items()}
    layers = dict(zip(LAYERS, (layer.detach() for layer in output.layers), strict=True))
    maps = {name: attention_map(layer, size) for name, layer in layers.items()}
    maps |= {name: cam_map(each, size) for name, each in raw.items()}
    sizes = {name: tuple(each.shape[-2:]) for name, each in (layers | raw).items()}
    return PredictionMaps(output.logits.detach(), maps, sizes)


def at_resolution(kind: str, maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, 1, n, n) as a network whose map of this kind is of ``size`` could show them: shrunk to it, and back."""
    if kind in LAYERS:
        return resize_in_range(resize_in_range(maps, size), maps.shape[2:])
    small = F.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
    return cam_map(small[:, 0], maps.shape[2:])
