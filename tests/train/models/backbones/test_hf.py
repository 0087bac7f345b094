import json
import os
import sys
from pathlib import Path

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.models import backbones, checkpoint, methods
from train.models.backbones.features import unchanged
from train.models.classifier import Classifier

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


@pytest.fixture
def saved(tmp_path):
    """A function that writes a small configuration and gives the backbone's name."""

    def save(kind, **changes):
        transformers.CONFIG_MAPPING[kind](**{**settings(kind), **changes}).save_pretrained(tmp_path / kind)
        return f"hf:{tmp_path / kind}"

    return save


def build(name, large_maps=False, pretrained=False):
    torch.manual_seed(0)
    return backbones.build(name, large_maps, pretrained).eval()


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


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


@pytest.mark.parametrize("kind", ["swin", "vit"])
def test_methods_between_stages_are_refused_where_there_are_none(saved, kind, params, monkeypatch):
    class Between(methods.METHODS["cam"]):
        def layer_hook(self, layer, hidden):
            return hidden * 2

    monkeypatch.setitem(methods.METHODS, "cam", Between)
    changes = {"backbone": saved(kind), "weights": "none", "large_maps": False}
    with pytest.raises(InputError, match="works between the stages of a convolutional network"):
        Classifier(params.train.model_copy(update=changes), 3)


def test_swin_is_what_autobackbone_gives_without_its_untrained_norms(saved, images):
    backbone = build(saved("swin"))
    features = backbone(images)
    assert [tuple(layer.shape[1:]) for layer in features.layers] == [
        (8, 16, 16), (8, 16, 16), (16, 8, 8), (32, 4, 4), (64, 2, 2),
    ]  # fmt: skip
    assert features.layers[-1].mean(dim=1).abs().min() > 1e-4  # there is something to guide
    with pytest.raises(InputError, match=r"cannot keep its last stages at stride 1: set train\.large_maps to false"):
        build(saved("swin"), large_maps=True)


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


@pytest.mark.parametrize("kind", ["resnet", "convnext", "swin", "vit", "dinov2", "beit"])
def test_every_trained_parameter_gets_a_gradient(saved, kind, images):
    backbone = build(saved(kind)).train()
    backbone(images).layers[-1].square().sum().backward()
    trained = {name: parameter for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert all(parameter.grad is not None for parameter in trained.values())
    assert next(iter(trained.values())).grad.abs().sum() > 0  # the stem's
    assert len(trained) >= len(list(backbone.parameters())) - 4


@pytest.mark.parametrize("kind", ["resnet", "swin", "vit"])
def test_the_seed_decides_a_random_start(saved, kind, images):
    name = saved(kind)
    one, same = build(name), build(name)
    torch.manual_seed(1)
    other = backbones.build(name, False, False).eval()
    assert torch.equal(one(images).layers[-1], same(images).layers[-1])
    assert not torch.equal(one(images).layers[-1], other(images).layers[-1])


@pytest.mark.parametrize(
    ("classifier", "kind"),
    [
        ("AutoModelForImageClassification", "resnet"),
        ("AutoModelForImageClassification", "convnext"),
        ("AutoModelForImageClassification", "swin"),
        ("AutoModelForImageClassification", "vit"),
        ("AutoModel", "regnet"),
        ("AutoModel", "dinov2"),
        ("AutoBackbone", "resnet"),
    ],
)
def test_weights_of_a_folder(classifier, kind, tmp_path, capfd):
    config = transformers.CONFIG_MAPPING[kind](**settings(kind))
    theirs = getattr(transformers, classifier).from_config(config).bfloat16()
    theirs.save_pretrained(tmp_path)
    capfd.readouterr()
    backbone = backbones.build(f"hf:{tmp_path}", False, True)
    assert capfd.readouterr() == ("", "")
    written = {key.removeprefix(f"{kind}."): value for key, value in theirs.state_dict().items()}
    ours = {key.removeprefix("network.").removeprefix(f"{kind}."): value for key, value in backbone.state_dict().items()}
    assert len(ours.keys() & written.keys()) > 20
    for key in ours.keys() & written.keys():
        assert ours[key].dtype in (torch.float32, torch.int64)
        torch.testing.assert_close(ours[key], written[key].to(ours[key].dtype), rtol=0, atol=0)
    assert not [key for key in ours.keys() - written.keys() if "num_batches" not in key]


def test_images_are_normalised_as_the_folder_says(saved):
    name = saved("resnet")
    assert build(name).mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    file = Path(name[3:]) / "preprocessor_config.json"
    file.write_text(json.dumps({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.5, 0.25]}))
    image = torch.tensor([1.0, 0.4, 0.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(build(name).normalised(image).flatten(), torch.tensor([1.0, 0.0, -1.2]))
    file.write_text(json.dumps({"image_mean": [0.5], "image_std": [0]}))
    with pytest.raises(InputError, match="image_mean"):
        build(name)


@pytest.mark.parametrize("kind", ["resnet", "convnext", "swin", "vit", "beit"])
def test_checkpoint_needs_neither_folder_nor_hub(saved, kind, params, tmp_path, images, monkeypatch):
    name = saved(kind)
    (Path(name[3:]) / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    train = params.train.model_copy(update={"backbone": name, "weights": "none", "large_maps": kind == "resnet"})
    settings = train.model_dump(mode="json", by_alias=True)
    config = checkpoint.Config("guided", 1, ("anger", "fear"), settings, 0, {}, {})
    classifier = checkpoint.build(config).eval()
    config = checkpoint.Config(**{**vars(config), "backbone": classifier.backbone.description()})
    assert name[3:] not in json.dumps(config.backbone)
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, classifier.state_dict(), config)
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", None)
    Path(name[3:]).rename(tmp_path / "elsewhere")
    loaded, loaded_config = checkpoint.load(path)
    assert loaded_config == config
    torch.testing.assert_close(loaded(images).logits, classifier(images).logits, rtol=0, atol=0)
    assert [p.requires_grad for p in loaded.parameters()] == [p.requires_grad for p in classifier.parameters()]


def test_checkpoint_without_transformers_says_what_is_missing(saved, params, tmp_path, monkeypatch):
    train = params.train.model_copy(update={"backbone": saved("resnet"), "weights": "none"})
    config = checkpoint.Config("guided", 1, ("anger", "fear"), train.model_dump(mode="json", by_alias=True), 0, {}, {})
    checkpoint.save(tmp_path / "model.safetensors", checkpoint.build(config).state_dict(), config)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"^train.backbone hf:.* pip install -c constraints.txt -e '\.\[backbones\]'"):
        checkpoint.load(tmp_path / "model.safetensors")


def one_line(name, pretrained=True, large_maps=False):
    with pytest.raises(InputError) as caught:
        backbones.build(name, large_maps, pretrained)
    message = str(caught.value)
    assert message.startswith(f"train.backbone {name}")
    assert "\n" not in message
    return message


def test_every_problem_is_reported_in_one_line(saved, tmp_path, capfd):
    assert "set train.weights to none" in one_line("hf:resnet")
    assert "the hub cannot be reached and the files are not cached" in one_line("hf:microsoft/resnet-50")
    assert "is not a folder, and the Hugging Face hub does not give it" in one_line("hf:./no/such/folder")
    assert "bert is no vision backbone" in one_line("hf:bert", pretrained=False)
    assert "pvt_v2 has 4 stages" in one_line("hf:pvt_v2", pretrained=False)
    name = saved("resnet")
    assert "they must be safetensors" in one_line(name)
    torch.save({"weights": torch.zeros(3)}, f"{name[3:]}/pytorch_model.bin")
    assert "they must be safetensors" in one_line(name)
    assert "for RGB" in one_line(saved("resnet", num_channels=1), pretrained=False)
    assert "2 blocks" in one_line(saved("vit", num_hidden_layers=2), pretrained=False)
    assert "2 stages behind its stem" in one_line(saved("resnet", hidden_sizes=[8, 12], depths=[1, 1]), pretrained=False)
    (tmp_path / "empty").mkdir()
    assert "has no config.json" in one_line(f"hf:{tmp_path / 'empty'}")
    (tmp_path / "broken").mkdir()
    for text in ("{", "{}", '{"model_type": "no_such_kind"}', '{"auto_map": {"AutoConfig": "code.Config"}}', "[]"):
        (tmp_path / "broken" / "config.json").write_text(text)
        one_line(f"hf:{tmp_path / 'broken'}")
    assert capfd.readouterr() == ("", "")


def test_weights_of_another_network_are_refused(saved, tmp_path):
    config = transformers.CONFIG_MAPPING["vit"](**TOKENS)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "vit")
    name = saved("vit", num_hidden_layers=5)
    assert "its weights lack" in one_line(name)
    assert "its weights cannot be read" in one_line(saved("vit", hidden_size=32))
    path = tmp_path / "vit" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert "its weights cannot be read" in one_line(name)


def test_dlibs_network_takes_part_in_the_same_way():
    backbone = backbones.build("dlib_resnet", large_maps=True)
    assert (backbone.supports_layer_hook, backbone.gives_attention, backbone.description()) == (True, False, {})
    assert backbone.has_folded_statistics
    assert not backbones.build("dlib_resnet", large_maps=True, pretrained=False).has_folded_statistics
    assert unchanged(1, "the same") == "the same"


def test_patches_that_leave_a_part_of_the_image_unseen_are_refused(saved):
    backbone = build(saved("vit"))
    assert backbone(torch.rand(1, 3, 48, 48)).layers[4].shape[2:] == (3, 3)
    with pytest.raises(InputError, match=r"train\.input_size is 60, and .* has patches of 16 pixels: use 48 or 64"):
        backbone(torch.rand(1, 3, 60, 60))
