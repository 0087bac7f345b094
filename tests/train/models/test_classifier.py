import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.data.luma import luma
from train.explain.cams import gradient_maps
from train.explain.prediction_maps import predict_maps
from train.loop import resume
from train.models import checkpoint as checkpoints
from train.models.classifier import Classifier


@pytest.fixture
def config(params):
    settings = params.train.model_dump(mode="json", by_alias=True)
    classes = ("anger", "happiness", "neutral")
    return checkpoints.Config("guided", 3, classes, settings, 0, {"stage": "landmarks"}, {"stage": "heatmaps"})


@pytest.fixture
def classifier(config):
    torch.manual_seed(0)
    return checkpoints.build(config, pretrained=False).eval()


def test_forward(classifier):
    output = classifier(torch.rand(2, 3, 112, 112))
    assert output.logits.shape == (2, 3)
    assert len(output.layers) == 5
    torch.testing.assert_close(output.logits, classifier.method.linear(output.layers[-1].mean(dim=(2, 3))))


def test_without_colour_an_image_and_its_grey_values_are_one(params):
    grey = Classifier(params.train.model_copy(update={"colour": False}), 3, pretrained=False).eval()
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([0, 2])
    twins = luma(images).expand_as(images)
    torch.testing.assert_close(grey(images).logits, grey(twins).logits)
    for look in (lambda x: predict_maps(grey, x, targets, (28, 28)).maps, lambda x: gradient_maps(grey, x, targets)):
        for one, other in zip(look(images).values(), look(twins).values(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    grey.colour = True
    assert not torch.allclose(grey(images).logits, grey(twins).logits)


def test_checkpoint_round_trip(classifier, config, tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoints.save(path, classifier.state_dict(), config)
    loaded, loaded_config = checkpoints.load(path)
    assert loaded_config == config
    assert not loaded.training
    images = torch.rand(2, 3, 112, 112)
    torch.testing.assert_close(loaded(images)[0], classifier(images)[0], rtol=0, atol=0)


def test_same_model_same_bytes(classifier, config, tmp_path):
    for name in ("one", "two"):
        checkpoints.save(tmp_path / name, classifier.state_dict(), config)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_checkpoint_of_other_parameters_names_them(classifier, config, tmp_path):
    path = tmp_path / "model.safetensors"
    earlier = {name: value for name, value in config.train.items() if name != "colour"}
    checkpoints.save(path, classifier.state_dict(), replace(config, train=earlier))
    with pytest.raises(InputError, match=r"is not a checkpoint of this version \(.*colour.*\): run `aucue train` again"):
        checkpoints.load(path)


class _Payload:
    def __reduce__(self):
        return print, ("a pickle was executed",)


def test_a_pickle_is_refused_and_not_executed(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(_Payload()))
    with pytest.raises(InputError, match="is not a checkpoint"):
        checkpoints.load(path)
    torch.save({"weights": _Payload()}, path)
    with pytest.raises(InputError, match="is not a checkpoint"):
        checkpoints.load(path)
    assert "executed" not in capsys.readouterr().out


def test_missing_truncated_and_foreign_checkpoints_are_named(classifier, config, tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match="does not exist: run `aucue train` first"):
        checkpoints.load(path)
    with pytest.raises(InputError, match="is a folder: name its model.safetensors"):
        checkpoints.load(tmp_path)
    resume.save(path, resume.State("run"), classifier, torch.optim.SGD(classifier.parameters()))
    with pytest.raises(InputError, match="has not ended: go on with `aucue train --resume`"):
        checkpoints.load(path)
    (tmp_path / "baseline").mkdir()
    baseline = shutil.copy(path, tmp_path / "baseline")
    with pytest.raises(InputError, match="has not ended: go on with `aucue train --variant baseline --resume`"):
        checkpoints.load(Path(baseline))
    checkpoints.save(path, classifier.state_dict(), config)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="is not a checkpoint"):
        checkpoints.load(path)
    state = classifier.state_dict()
    del state["method.linear.bias"]
    checkpoints.save(path, state, config)
    with pytest.raises(InputError, match="is not a checkpoint of this version"):
        checkpoints.load(path)
