"""A classifier's maps of images: every kind of map that is measured, at the heatmaps' size.

``layer1`` to ``layer5``  layer-wise attention, as ATT-COS compares it
``cam``                   the method's own map of the target class, as CAM-COS compares it; only for a method with maps
others                    the maps of ``cams.GRADIENT_MAPS`` at layer 5 for the target class, treated like ``cam``
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from train.attribution.cams import GRADIENT_MAPS, target_gradients
from train.models.classifier import Classifier
from train.models.maps import attention_map, cam_map, map_size, resize_in_range

LAYERS = {f"layer{number}": number for number in range(1, 6)}


class PredictionMaps(NamedTuple):
    """Predictions of a classifier for B images, and its maps of them."""

    logits: Tensor  # (B, K)
    maps: dict[str, Tensor]  # kind -> (B, 1, n, n) >= 0
    sizes: dict[str, tuple[int, int]]  # kind -> height and width before the maps were resized

    def to(self, device: torch.device) -> "PredictionMaps":
        """Copy the tensors to a device."""
        return PredictionMaps(
            self.logits.to(device), {kind: maps.to(device) for kind, maps in self.maps.items()}, self.sizes
        )


def predict_maps(classifier: Classifier, images: Tensor, targets: Tensor, size: tuple[int, int]) -> PredictionMaps:
    """Run a classifier once, in evaluation mode, and compute every kind of map.

    Args:
        classifier: The network.
        images: (B, 3, H, W) in [0, 1].
        targets: (B,) int64, the class of each image that its class maps are of.
        size: Height and width of the maps returned.
    """
    last, gradients, output = target_gradients(classifier, images, targets)
    class_maps = {}
    if output.maps is not None:
        class_maps["cam"] = output.maps.detach()[torch.arange(len(targets), device=targets.device), targets]
    class_maps |= {name: compute(last, gradients) for name, compute in GRADIENT_MAPS.items()}
    layers = dict(zip(LAYERS, (layer.detach() for layer in output.layers), strict=True))
    maps = {name: attention_map(layer, size) for name, layer in layers.items()}
    maps |= {name: cam_map(each, size) for name, each in class_maps.items()}
    sizes = {name: map_size(each) for name, each in (layers | class_maps).items()}
    return PredictionMaps(output.logits.detach(), maps, sizes)


def at_resolution(kind: str, maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Shrink maps to a resolution and back: the best that a network with maps of this resolution could show.

    Args:
        kind: Kind of map, which decides how it is resized: a key of LAYERS, or any other kind.
        maps: (B, 1, n, n).
        size: Height and width of the network's maps of this kind.

    Returns:
        (B, 1, n, n).
    """
    if kind in LAYERS:
        return resize_in_range(resize_in_range(maps, size), map_size(maps))
    small = F.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
    return cam_map(small[:, 0], map_size(maps))
