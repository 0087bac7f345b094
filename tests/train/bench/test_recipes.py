import pytest
import torch
from click.testing import CliRunner

from pipeline.cli import aucue
from pipeline.runtime.errors import InputError
from train.bench.recipes import recipe_for
from train.presets.preset import read_values


def test_without_a_device_the_recipe_is_that_of_the_file(params):
    assert recipe_for(params, None) is params


def test_the_recipe_of_a_gpu_is_the_papers_from_random_weights(params, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    mine = params.model_copy(update={"train": params.train.model_copy(update={"compile": True, "workers": 3})})
    found = recipe_for(mine, "cuda").train.model_dump(mode="json", by_alias=True)
    published = read_values("paper_resnet50")
    different = {name for name, value in published.items() if found[name] != value}
    assert different == {"backbone", "weights"}
    assert (found["backbone"], found["weights"], found["device"]) == ("hf:resnet", "none", "cuda")
    assert (found["compile"], found["workers"]) == (True, 3)
    assert (found["input_size"], found["batch_size"], found["large_maps"], found["amp"]) == (224, 224, True, True)


def test_on_another_device_the_recipe_stays(params):
    assert recipe_for(params, "cpu").train == params.train.model_copy(update={"device": "cpu"})


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_one_sentence(params, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"--device {device}: PyTorch finds no such device here: leave --device out"):
        recipe_for(params, device)


def test_the_command_says_it_in_one_line(params_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(aucue, ["bench", "train", "--device", "cuda", "--params", str(params_path)])
    assert result.exit_code == 1
    assert result.output == "Error: --device cuda: PyTorch finds no such device here: leave --device out\n"
