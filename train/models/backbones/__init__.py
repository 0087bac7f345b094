"""Backbones: they turn images (B, 3, H, W) in [0, 1] RGB into the feature maps of five layers."""

from train.models.backbones.features import Backbone, Features, LayerHook

__all__ = ["Backbone", "Features", "LayerHook", "build"]


def build(name: str, large_maps: bool, pretrained: bool = True, description: dict | None = None) -> Backbone:
    """Build a backbone by its name.

    Args:
        name: dlib_resnet, or hf:NAME for a model of Hugging Face transformers.
        large_maps: Whether the last stages keep stride 1.
        pretrained: Whether to load its pretrained weights.
        description: The ``Backbone.description()`` of the same backbone. With it, the configuration is read neither from a
            folder nor from the network.

    Raises:
        ValueError: If the name is unknown.
        InputError: If the backbone cannot be built here.
    """
    match name:
        case "dlib_resnet":
            from train.models.backbones.dlib_resnet import DlibResNet

            return DlibResNet(large_maps, pretrained)
        case _ if name.startswith("hf:"):
            from train.models.backbones import hf

            return hf.build(name, large_maps, pretrained, description)
    raise ValueError(f"unknown backbone {name!r}: use dlib_resnet, or hf:NAME for a model of Hugging Face transformers")
