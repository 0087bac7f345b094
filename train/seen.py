"""Where a classifier looks: every kind of map that is measured, at the heatmaps' size.

``layer1`` to ``layer5``  layer-wise attention, as ATT-COS takes it
``cam``       the method's own map of the actual class, as CAM-COS takes it; none for a method without maps
others        the maps of ``cams.GRADIENT_MAPS`` at layer 5 for the actual class, taken as a CAM is
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from train.alignment import resize_in_range
from train.cams import GRADIENT_MAPS, target_gradients
from train.metrics import attention_map, cam_map
from train.model import Classifier

LAYERS = {f"layer{number}": number for number in range(1, 6)}


class Seen(NamedTuple):
    """Of B images. ``sizes`` are the (height, width) that each kind of map had before it was enlarged or shrunk."""

    logits: Tensor  # (B, K)
    maps: dict[str, Tensor]  # kind -> (B, 1, n, n) >= 0
    sizes: dict[str, tuple[int, int]]

    def to(self, device: torch.device) -> "Seen":
        """The same on a device."""
        return Seen(self.logits.to(device), {kind: maps.to(device) for kind, maps in self.maps.items()}, self.sizes)


def see(classifier: Classifier, images: Tensor, targets: Tensor, size: tuple[int, int]) -> Seen:
    """Run a classifier in evaluation mode once. The backbone runs without a graph: gradients for the last layer's features
    need the method's part alone."""
    method = classifier.method
    with torch.no_grad():
        features = classifier.backbone(classifier.prepare(images), method.after)
    last = features.layers[-1].detach().requires_grad_()
    with torch.enable_grad():
        scores = method(features._replace(layers=[*features.layers[:-1], last.clone()]))
        gradients = target_gradients(scores.logits, targets, last)
    raw = {}
    if scores.maps is not None:
        raw["cam"] = scores.maps.detach()[torch.arange(len(targets), device=targets.device), targets]
    raw |= {name: compute(last.detach(), gradients) for name, compute in GRADIENT_MAPS.items()}
    layers = dict(zip(LAYERS, features.layers, strict=True))
    maps = {name: attention_map(layer, size) for name, layer in layers.items()}
    maps |= {name: cam_map(each, size) for name, each in raw.items()}
    sizes = {name: tuple(each.shape[-2:]) for name, each in (layers | raw).items()}
    return Seen(scores.logits.detach(), maps, sizes)


def through(kind: str, maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, 1, n, n) as a network whose map of this kind is of ``size`` could show them: shrunk to it, and back."""
    if kind in LAYERS:
        return resize_in_range(resize_in_range(maps, size), maps.shape[2:])
    small = F.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
    return cam_map(small[:, 0], maps.shape[2:])
