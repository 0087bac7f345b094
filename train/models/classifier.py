"""The classifier: a backbone and a method. Inference needs neither landmarks nor heatmaps."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from train.data.luma import luma
from train.models import backbones, methods
from train.models.backbones import Features, LayerHook


class Output(NamedTuple):
    """The output of a classifier for B images and K classes; see ``methods.Scores`` and ``backbones.Features``."""

    logits: Tensor  # (B, K)
    layers: list[Tensor]  # (B, C, h, w) of layers 1 to 5
    maps: Tensor | None  # (B, K, h, w): the method's own class maps
    aux_logits: tuple[Tensor, ...]  # (B, K) each: logits of further branches


class Classifier(nn.Module):
    """A backbone and a method, which turn images into class scores, feature maps and class maps."""

    def __init__(self, params: Train, number_of_classes: int, pretrained: bool = True, backbone: dict | None = None) -> None:
        """Build the network.

        Args:
            params: Name the backbone and the method, and say how the backbone is built.
            number_of_classes: K, the number of logits.
            pretrained: False leaves out the pretrained weights even where ``params.weights`` asks for them.
            backbone: The ``Backbone.description()`` of an earlier classifier, to build its backbone again.

        Raises:
            InputError: If the backbone cannot be built, or lacks a feature that the method needs.
        """
        super().__init__()
        pretrained = pretrained and params.weights == "pretrained"
        self.colour = params.colour
        self.number_of_classes = number_of_classes
        self.backbone = backbones.build(params.backbone, params.large_maps, pretrained, backbone)
        _check_match(params, self.backbone)
        self.method = methods.build(params.method, self.backbone.channels, number_of_classes)

    def forward(self, images: Tensor, targets: Tensor | None = None, tap: LayerHook | None = None) -> Output:
        """Run the network.

        Args:
            images: (B, 3, H, W) float in [0, 1], RGB.
            targets: (B,) int64, the true classes; only in training.
            tap: ``tap(layer, features)`` is called with the features (B, C, h, w) of layers 1 to 5 as they are computed. The
                network continues with the features that it returns. A backbone that supports no layer hook (see
                ``Backbone.supports_layer_hook``) calls it for layer 5 alone.

        Returns:
            Scores, layers and maps.
        """
        prepared = self.prepare(images)
        features = self.backbone(prepared, self.method.layer_hook) if tap is None else self._tapped(prepared, tap)
        logits, maps, aux_logits = self.method(features, targets)
        return Output(logits, features.layers, maps, aux_logits)

    def _tapped(self, prepared: Tensor, tap: LayerHook) -> Features:
        """The backbone's features of prepared images, with each layer replaced by the result of ``tap``."""
        tapped: dict[int, Tensor] = {}

        def hook(layer: int, hidden: Tensor) -> Tensor:
            tapped[layer] = tap(layer, hidden)
            return self.method.layer_hook(layer, tapped[layer])

        features = self.backbone(prepared, hook)
        tapped[5] = tap(5, features.layers[-1])
        layers = [tapped.get(number, layer) for number, layer in enumerate(features.layers, start=1)]
        return features._replace(layers=layers)

    def prepare(self, images: Tensor) -> Tensor:
        """Convert images (B, 3, H, W) to the channels-last layout and, if the network sees no colour, to grey."""
        images = images if self.colour else luma(images).expand_as(images)
        return images.contiguous(memory_format=torch.channels_last)


def _check_match(params: Train, backbone: backbones.Backbone) -> None:
    """Raise InputError if the method needs a feature that the backbone lacks."""
    method = methods.METHODS[params.method]
    if method.layer_hook is not methods.Method.layer_hook and not backbone.supports_layer_hook:
        raise InputError(
            f"train.method {params.method} works between the stages of a convolutional network, which train.backbone "
            f"{params.backbone} does not have: use dlib_resnet, or a network like hf:microsoft/resnet-50"
        )
    if method.needs_attention and not backbone.gives_attention:
        raise InputError(
            f"train.method {params.method} needs a class token's attention, which train.backbone {params.backbone} does not "
            "give: set train.backbone to a vision transformer, such as hf:facebook/deit-small-patch16-224, or use another "
            "method"
        )
