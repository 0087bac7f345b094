"""Small networks of transformers, which the tests of its backbones share."""

import os

import pytest
import torch

from train.models import backbones

os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported
transformers = pytest.importorskip("transformers")

WIDTHS = {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1]}
TOKENS = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4, "intermediate_size": 32, "image_size": 64}
CONVOLUTIONAL = {
    "bit": WIDTHS | {"num_groups": 4, "depths": [1, 2, 1, 1], "hidden_sizes": [8, 16, 24, 32]},
    "convnext": WIDTHS,
    "convnextv2": WIDTHS,
    "dinov3_convnext": WIDTHS,
    "regnet": WIDTHS | {"hidden_sizes": [8, 16, 24, 32], "groups_width": 8},
    "resnet": WIDTHS | {"layer_type": "bottleneck", "depths": [1, 2, 1, 1]},
    "rt_detr_resnet": WIDTHS | {"layer_type": "basic", "depths": [1, 2, 1, 1]},
}
VITS = {
    "beit": TOKENS | {"use_relative_position_bias": True},
    "data2vec-vision": TOKENS | {"use_relative_position_bias": True},
    "deit": TOKENS,
    "dinov2": TOKENS | {"mlp_ratio": 2, "patch_size": 16},
    "dinov2_with_registers": TOKENS | {"mlp_ratio": 2, "patch_size": 16},
    "dinov3_vit": TOKENS,
    "vit": TOKENS,
    "vit_msn": TOKENS,
}
SWIN = {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4}


def settings(kind):
    return (CONVOLUTIONAL | VITS | {"swin": SWIN})[kind]


def build(name, large_maps=False, pretrained=False):
    torch.manual_seed(0)
    return backbones.build(name, large_maps, pretrained).eval()
