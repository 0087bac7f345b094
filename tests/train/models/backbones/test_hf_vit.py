import pytest
import torch

from pipeline.runtime.errors import InputError
from tests.train.models.backbones.hf_networks import VITS, build


@pytest.mark.parametrize("kind", VITS)
@pytest.mark.parametrize("side", [64, 96])
def test_layers_and_attention_of_a_vision_transformer(saved, kind, side):
    backbone = build(saved(kind), large_maps=True)
    assert backbone.gives_attention
    features = backbone(torch.rand(2, 3, side, side))
    assert backbone.channels == (16,) * 5
    assert [tuple(layer.shape) for layer in features.layers] == [(2, 16, side // 16, side // 16)] * 5
    assert features.class_attention.shape == (2, side // 16, side // 16)
    assert (features.class_attention > 0).all()
    assert (features.class_attention.sum(dim=(1, 2)) < 4).all()  # of 4 blocks; the rest is attention to tokens
    assert features.layers[-1].mean(dim=1).abs().min() > 1e-6


def test_a_small_vit_by_hand(saved, images):
    backbone = build(saved("vit", num_hidden_layers=5))
    network = backbone.network
    tokens = network.embeddings(backbone.normalised(images))
    states, attention = [tokens], torch.zeros(2, 16)
    for block in network.layers:
        hidden = block.layernorm_before(tokens)
        query, key = (
            project(hidden).view(2, 17, 2, 8).transpose(1, 2) for project in (block.attention.q_proj, block.attention.k_proj)
        )
        weights = (query @ key.transpose(2, 3) / 8**0.5).softmax(dim=-1)  # (B, heads, tokens, tokens)
        attention += weights.mean(dim=1)[:, 0, 1:]
        tokens = block(tokens)
        states.append(tokens)
    features = backbone(images)
    torch.testing.assert_close(features.class_attention, attention.view(2, 4, 4))
    for layer, number in ((1, 0), (2, 1), (3, 2), (4, 4)):
        expected = states[number][:, 1:].mT.reshape(2, 16, 4, 4)
        torch.testing.assert_close(features.layers[layer - 1], expected, msg=f"layer {layer}")
    torch.testing.assert_close(features.layers[-1], network.layernorm(states[-1])[:, 1:].mT.reshape(2, 16, 4, 4))


def test_patches_keep_their_places(saved):
    backbone = build(saved("deit"))
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, 16:32, 48:] = 1  # the patch of row 1, column 3
    changed = (backbone(image).layers[0] - backbone(torch.zeros(1, 3, 64, 64)).layers[0]).abs().sum(dim=1)[0]
    assert changed.nonzero().tolist() == [[1, 3]]


def test_patches_that_leave_a_part_of_the_image_unseen_are_refused(saved):
    backbone = build(saved("vit"))
    assert backbone(torch.rand(1, 3, 48, 48)).layers[4].shape[2:] == (3, 3)
    with pytest.raises(InputError, match=r"train\.input_size is 60, and .* has patches of 16 pixels: use 48 or 64"):
        backbone(torch.rand(1, 3, 60, 60))
