"""Backbones: images (B, 3, H, W) in [0, 1] RGB in, the feature maps of five layers out."""

from train.models.backbones.features import Backbone, Features, LayerHook

__all__ = ["LayerHook", "Backbone", "Features", "build"]


def build(name: str, large_maps: bool, pretrained: bool = True, description: dict | None = None) -> Backbone:
    """A backbone by its name. ``large_maps`` keeps its last stages at stride 1. With a ``description`` that such a backbone
    gave of itself, no file and no network is asked what it is."""
    match name:
        case "dlib_resnet":
            from train.models.backbones.dlib_resnet import DlibResNet

            return DlibResNet(large_maps, pretrained)
        case _ if name.startswith("hf:"):
            from train.models.backbones import hf

            return hf.build(name, large_maps, pretrained, description)
    raise ValueError(f"unknown backbone {name!r}: use dlib_resnet, or hf:NAME for a model of Hugging Face transformers")
