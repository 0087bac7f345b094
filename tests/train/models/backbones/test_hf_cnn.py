import pytest
import torch

from tests.train.models.backbones.hf_networks import CONVOLUTIONAL, build, settings, transformers


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
@pytest.mark.parametrize("side", [64, 120])
def test_five_layers_of_a_convolutional_network(saved, kind, side):
    backbone = build(saved(kind))
    features = backbone(torch.rand(2, 3, side, side))
    assert features.class_attention is None
    assert not backbone.gives_attention
    assert [layer.shape[:2] for layer in features.layers] == [(2, channels) for channels in backbone.channels]
    assert backbone.channels[1:] == tuple(settings(kind)["hidden_sizes"])
    sides = [layer.shape[2] for layer in features.layers]
    assert [side // layer_side for layer_side in sides[1:]] == [4, 8, 16, 32] or side % 32
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
@pytest.mark.parametrize("side", [64, 224])
def test_large_maps_keep_the_last_stages_at_stride_1(saved, kind, side):
    name = saved(kind)
    small, large = build(name), build(name, large_maps=True)
    sides = [layer.shape[-1] for layer in large(torch.rand(1, 3, side, side)).layers]
    assert sides[2:] == [side // 8] * 3
    for key, value in small.state_dict().items():
        assert torch.equal(value, large.state_dict()[key]), key


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_stages_are_those_of_the_library(saved, kind, images):
    backbone = build(saved(kind))
    config = transformers.CONFIG_MAPPING[kind](**settings(kind))
    automatic = transformers.AutoModel if kind == "regnet" else transformers.AutoBackbone
    theirs = automatic.from_config(config).eval()
    mine = {key.removeprefix("network."): value for key, value in backbone.state_dict().items()}
    mine = {key: value for key, value in mine.items() if key in theirs.state_dict()}
    missing = theirs.load_state_dict(mine, strict=False).missing_keys
    assert all(key.startswith("hidden_states_norms.") for key in missing), missing
    hidden = theirs(backbone.normalised(images), output_hidden_states=True).hidden_states
    for ours, expected in zip(backbone(images).layers[-4:], hidden[-4:], strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=0)


def test_the_stem_of_a_resnet_is_before_its_pooling(saved, images):
    backbone = build(saved("resnet"))
    stem = backbone.network.embedder.embedder
    torch.testing.assert_close(backbone(images).layers[0], stem(backbone.normalised(images)), rtol=0, atol=0)
    assert backbone(images).layers[0].shape == (2, 8, 32, 32)


def test_continues_with_the_layer_hook_s_result_and_gives_the_layer_itself(saved, images):
    backbone = build(saved("resnet"))
    plain = backbone(images).layers
    calls = []

    def silence(layer, hidden):
        calls.append(layer)
        return torch.zeros_like(hidden) if layer == 4 else hidden

    changed = backbone(images, silence).layers
    assert calls == [1, 2, 3, 4]
    assert all(torch.equal(one, other) for one, other in zip(plain[:4], changed[:4], strict=True))
    assert not torch.equal(plain[4], changed[4])
