"""Backbones: images (B, 3, H, W) in [0, 1] RGB in, the feature maps of five layers out."""

from torch import nn

from train.backbones import dlib_resnet


def build(name: str, large_maps: bool, pretrained: bool = True) -> nn.Module:
    """A backbone by its name. It has ``channels``, the channels of its five layers, and returns a list of features
    (B, channels[i], h_i, w_i), layer 1 (the stem) first. ``large_maps`` keeps its last stages at stride 1."""
    match name:
        case "dlib_resnet":
            return dlib_resnet.DlibResNet(large_maps, pretrained)
    raise ValueError(f"unknown backbone {name!r}: use dlib_resnet")
