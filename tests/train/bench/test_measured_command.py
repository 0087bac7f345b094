import json

import pytest

from pipeline.bench.scale.dataset import scaled_params
from pipeline.faces import manifest
from pipeline.runtime.errors import InputError
from train.bench import measured_command
from train.bench.free_network import FreeBackbone
from train.models import checkpoint


@pytest.fixture
def folder(dataset, params, tmp_path, monkeypatch):
    """A folder in which commands find the parameters of the benchmark."""
    labels = {photo.label for photo in manifest.read(dataset.manifest)}
    content = scaled_params(params, labels).model_dump(mode="json", by_alias=True)
    (tmp_path / "params.yaml").write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_training_has_three_parts_and_a_network_that_costs_nothing(dataset, folder, capsys):
    command = ("train", "--faces", str(dataset.faces), "--heatmaps", str(dataset.heatmaps))
    measured_command.main(str(folder), str(folder), *command)
    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(measured["seconds"]) == 3  # until the first epoch, and both epochs
    assert 100e6 < measured["start_bytes"] <= measured["peak_bytes"]
    weights = checkpoint.load_config(folder / "data/train/guided/model.safetensors")
    assert weights.train["input_size"] == 64
    assert (folder / "data/train/guided/model.safetensors").stat().st_size < 100_000
    assert FreeBackbone().channels == (3,) * 5


def test_another_command_has_one_part(dataset, folder, capsys):
    measured_command.main(str(folder), str(folder), "verify", str(dataset.root.parent))
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["seconds"]) == 1


def test_the_exit_code_of_dvc_counts(folder):
    with pytest.raises(InputError, match="dvc failed with exit code"):
        measured_command.main(str(folder), str(folder), "dvc", "commit", "--quiet")
