"""Vision transformers of patch tokens and a class token: tokens in front, patches behind them in reading order."""

import inspect
import math

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Features, LayerHook, unchanged
from train.models.backbones.hf_cnn import Wrapped

KINDS = ("beit", "data2vec-vision", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vit_msn")


class Vit(Wrapped):
    """Layer 1 are the patches' embeddings, layers 2 to 5 their hidden states after each quarter of the blocks, the last
    after the final norm. All have the same size, so that ``large_maps`` changes nothing."""

    supports_layer_hook = False
    gives_attention = True

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        if network.config.num_hidden_layers < 4:
            raise InputError(f"train.backbone {name} has {network.config.num_hidden_layers} blocks: use one with 4 or more")
        super().__init__(name, network, description)
        network.pooler = None  # it only reads the class token
        size = network.config.patch_size
        self._options = {"output_hidden_states": True, "output_attentions": True}
        if "interpolate_pos_encoding" in inspect.signature(network.forward).parameters:
            self._options["interpolate_pos_encoding"] = True  # the others always do
        self.patch = (size, size) if isinstance(size, int) else tuple(size)
        self._try(large_maps, 4 * math.lcm(*self.patch))

    def forward(self, images: Tensor, after: LayerHook = unchanged) -> Features:
        """The attention is the mean over the heads, and the sum over the blocks."""
        for side, patch in zip(images.shape[2:], self.patch, strict=True):
            if side % patch:  # what is left over would be seen by no patch, and the maps would be stretched over it
                raise InputError(
                    f"train.input_size is {side}, and train.backbone has patches of {patch} pixels: "
                    f"use {side // patch * patch} or {-(-side // patch) * patch}"
                )
        height, width = (side // patch for side, patch in zip(images.shape[2:], self.patch, strict=True))
        seen = self.network(self.normalised(images), **self._options)
        blocks = len(seen.hidden_states) - 1
        hidden = [seen.hidden_states[round(quarter * blocks / 4)] for quarter in range(4)] + [seen.last_hidden_state]
        first = hidden[0].shape[1] - height * width  # of the patches: class, distillation and register tokens go before
        layers = [tokens[:, first:].transpose(1, 2).unflatten(2, (height, width)) for tokens in hidden]  # (B, C, h, w)
        attention = sum(block[:, :, 0, first:].mean(dim=1) for block in seen.attentions)  # (B, h * w)
        return Features(layers, attention.unflatten(1, (height, width)))


@torch.no_grad()
def vary_last_norm(network: nn.Module) -> None:
    """Random weights for the final norm of a network that starts at random. With equal ones, the mean over the channels
    would be zero at every place: no attention to guide, and a gradient without bounds."""
    norm = getattr(network, "layernorm", None) or getattr(network, "norm", None)
    if isinstance(norm, nn.LayerNorm):
        norm.weight.uniform_(0.5, 1.5)
