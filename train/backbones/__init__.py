"""Backbones: images (B, 3, H, W) in [0, 1] RGB in, the feature maps of five layers out."""

from torch import nn

from train.backbones import dlib_resnet
from train.backbones.features import After, Features

__all__ = ["After", "Features", "build"]


def build(name: str, large_maps: bool, pretrained: bool = True) -> nn.Module:
    """A backbone by its name. Called as ``backbone(images, after)`` it returns Features; ``after(layer, hidden)`` may change
    what it goes on with after each layer. Its ``channels`` are those of the five layers; ``gives_attention`` says
    whether Features have a class token's. ``large_maps`` keeps its last stages at stride 1."""
    match name:
        case "dlib_resnet":
            return dlib_resnet.DlibResNet(large_maps, pretrained)
    raise ValueError(f"unknown backbone {name!r}: use dlib_resnet")
