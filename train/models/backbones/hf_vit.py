"""Vision transformers with a class token: class and other tokens come first, then the patches in reading order."""

import inspect
import math
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Features, LayerHook, unchanged
from train.models.backbones.hf_base import HuggingFaceBackbone, remove_child

KINDS = ("beit", "data2vec-vision", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vit_msn")


class VisionTransformer(HuggingFaceBackbone):
    """A vision transformer of a kind in KINDS, with four blocks or more.

    Layer 1 is the patches' embeddings. Layers 2 to 5 are their hidden states after each quarter of the blocks, the last of
    them after the final norm. All layers have the same size, so that ``large_maps`` changes nothing.
    """

    supports_layer_hook = False
    gives_attention = True

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        """Wrap a network; the arguments are those of ``hf.build``. Raises InputError if it has fewer than four blocks."""
        config: Any = network.config
        if config.num_hidden_layers < 4:
            raise InputError(f"train.backbone {name} has {config.num_hidden_layers} blocks: use one with 4 or more")
        super().__init__(name, network, description)
        remove_child(network, "pooler")  # it reads the class token alone
        size = config.patch_size
        self._options = {"output_hidden_states": True, "output_attentions": True}
        if "interpolate_pos_encoding" in inspect.signature(network.forward).parameters:
            self._options["interpolate_pos_encoding"] = True  # networks without this option always interpolate
        self.patch: tuple[int, ...] = (size, size) if isinstance(size, int) else tuple(size)  # height and width, in pixels
        self.measure_layers(large_maps, 4 * math.lcm(*self.patch))

    def forward(self, images: Tensor, layer_hook: LayerHook = unchanged) -> Features:  # noqa: ARG002 (Backbone's signature)
        """Compute the features of five layers; see ``Backbone.forward``.

        ``Features.class_attention`` is the mean over the heads and the sum over the blocks.

        Raises:
            InputError: If the patches do not cover the images.
        """
        for side, patch in zip(images.shape[2:], self.patch, strict=True):
            if side % patch:  # no patch would see the rest of the image, and the maps would be stretched over it
                raise InputError(
                    f"train.input_size is {side}, and train.backbone has patches of {patch} pixels: "
                    f"use {side // patch * patch} or {-(-side // patch) * patch}"
                )
        height, width = (side // patch for side, patch in zip(images.shape[2:], self.patch, strict=True))
        output = self.network(self.normalised(images), **self._options)
        blocks = len(output.hidden_states) - 1
        hidden = [output.hidden_states[round(quarter * blocks / 4)] for quarter in range(4)] + [output.last_hidden_state]
        first = hidden[0].shape[1] - height * width  # index of the first patch, after class and register tokens
        layers = [tokens[:, first:].transpose(1, 2).unflatten(2, (height, width)) for tokens in hidden]  # (B, C, h, w)
        attention = sum(block[:, :, 0, first:].mean(dim=1) for block in output.attentions)  # (B, h * w)
        return Features(layers, attention.unflatten(1, (height, width)))


@torch.no_grad()
def vary_last_norm(network: nn.Module) -> None:
    """Give the final norm of a randomly initialised network random weights.

    With equal weights, the mean over the channels would be zero at every cell: there would be no attention to guide, and the
    gradient would have no bounds.
    """
    norm = getattr(network, "layernorm", None) or getattr(network, "norm", None)
    if isinstance(norm, nn.LayerNorm):
        norm.weight.uniform_(0.5, 1.5)
