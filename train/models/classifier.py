"""The classifier: a backbone and a method. Inference needs no landmarks and no heatmap."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from train.data.luma import luma
from train.models import backbones, methods
from train.models.backbones import Features, LayerHook


class Output(NamedTuple):
    """What a classifier says of images: see methods.Scores and backbones.Features."""

    logits: Tensor  # (B, K)
    layers: list[Tensor]  # (B, C, h, w) of layers 1 to 5
    maps: Tensor | None  # (B, K, h, w): the method's own class maps
    aux_logits: tuple[Tensor, ...]  # (B, K) each: logits of further branches


class Classifier(nn.Module):
    """Images (B, 3, H, W) in [0, 1] to an Output. ``targets`` (B,) are the true classes, known only in training."""

    def __init__(self, params: Train, number_of_classes: int, pretrained: bool = True, backbone: dict | None = None) -> None:
        """``backbone`` is the description that such a one gave of itself, if it is to be built again."""
        super().__init__()
        pretrained = pretrained and params.weights == "pretrained"
        self.colour = params.colour
        self.backbone = backbones.build(params.backbone, params.large_maps, pretrained, backbone)
        _check_match(params, self.backbone)
        self.method = methods.build(params.method, self.backbone.channels, number_of_classes)

    def forward(self, images: Tensor, targets: Tensor | None = None, tap: LayerHook | None = None) -> Output:
        """Run the network.

        Args:
            images: (B, 3, H, W) float in [0, 1], RGB.
            targets: (B,) int64, the true classes; in training alone.
            tap: ``tap(layer, features)`` is called with the features (B, C, h, w) of layers 1 to 5 as they are computed; the
                network goes on with the features that it returns. A backbone that supports no layer hook (see
                ``Backbone.supports_layer_hook``) calls it for layer 5 alone.

        Returns:
            Scores, layers and maps.
        """
        if tap is None:
            features = self.backbone(self.prepare(images), self.method.layer_hook)
        else:
            features = self._tapped(images, tap)
        logits, maps, aux_logits = self.method(features, targets)
        return Output(logits, features.layers, maps, aux_logits)

    def _tapped(self, images: Tensor, tap: LayerHook) -> Features:
        """The backbone's features, each layer replaced by what ``tap`` returns for it."""
        tapped: dict[int, Tensor] = {}

        def hook(layer: int, hidden: Tensor) -> Tensor:
            tapped[layer] = tap(layer, hidden)
            return self.method.layer_hook(layer, tapped[layer])

        features = self.backbone(self.prepare(images), hook)
        tapped[5] = tap(5, features.layers[-1])
        layers = [tapped.get(number, layer) for number, layer in enumerate(features.layers, start=1)]
        return features._replace(layers=layers)

    def prepare(self, images: Tensor) -> Tensor:
        """The images as the backbone takes them: channels-last, and grey if that is all it is to see."""
        images = images if self.colour else luma(images).expand_as(images)
        return images.contiguous(memory_format=torch.channels_last)


def _check_match(params: Train, backbone: backbones.Backbone) -> None:
    """Raises InputError for a method that needs what the backbone does not have."""
    method = methods.METHODS[params.method]
    if method.layer_hook is not methods.Method.layer_hook and not backbone.supports_layer_hook:
        raise InputError(
            f"train.method {params.method} works between the stages of a convolutional network, which train.backbone "
            f"{params.backbone} does not have: use dlib_resnet, or one like hf:microsoft/resnet-50"
        )
    if method.needs_attention and not backbone.gives_attention:
        raise InputError(
            f"train.method {params.method} needs a class token's attention, which train.backbone {params.backbone} does not "
            "give: set train.backbone to a vision transformer, as hf:facebook/deit-small-patch16-224, or take another method"
        )
