import json
import sys
from pathlib import Path

import pytest
import torch

from pipeline.runtime.errors import InputError
from tests.train.models.backbones.hf_networks import TOKENS, build, settings, transformers
from train.models import backbones, checkpoint, methods
from train.models.backbones.features import unchanged
from train.models.classifier import Classifier


@pytest.mark.parametrize("kind", ["swin", "vit"])
def test_methods_between_stages_are_refused_where_there_are_none(saved, kind, params, monkeypatch):
    class Between(methods.METHODS["cam"]):
        def layer_hook(self, layer, hidden):
            return hidden * 2

    monkeypatch.setitem(methods.METHODS, "cam", Between)
    changes = {"backbone": saved(kind), "weights": "none", "large_maps": False}
    with pytest.raises(InputError, match="works between the stages of a convolutional network"):
        Classifier(params.train.model_copy(update=changes), 3)


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
