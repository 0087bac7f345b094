import errno
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.runtime.errors import InputError
from train.loop import resume
from train.models import checkpoint as checkpoints


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


def test_settings_of_an_earlier_version_get_their_present_names(classifier, config, tmp_path):
    path = tmp_path / "model.safetensors"
    augment = dict(config.train["augment"])
    former = {"scale": augment.pop("min_crop_area"), "flip": augment.pop("flip_probability")}
    train = {name: value for name, value in config.train.items() if name not in ("cache_megabytes", "max_grad_norm")}
    train |= {"memory": 7, "clip": 2.0, "augment": augment | former}
    checkpoints.save(path, classifier.state_dict(), replace(config, train=train))
    expected = replace(config, train={**config.train, "cache_megabytes": 7, "max_grad_norm": 2.0})
    assert checkpoints.load(path)[1] == checkpoints.load_config(path) == expected


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
    with pytest.raises(InputError, match=r"is a folder: name the model\.safetensors in it"):
        checkpoints.load(tmp_path)
    for header in (None, {"format": "pt"}):
        save_file({"weight": torch.zeros(3)}, path, metadata=header)
        with pytest.raises(InputError, match=r"holds weights of another program: name a model\.safetensors that"):
            checkpoints.load(path)
    resume.save(path, resume.State("run"), classifier, torch.optim.SGD(classifier.parameters()))
    with pytest.raises(InputError, match="has not ended: continue it with `aucue train --resume`"):
        checkpoints.load(path)
    (tmp_path / "baseline").mkdir()
    baseline = shutil.copy(path, tmp_path / "baseline")
    with pytest.raises(InputError, match="has not ended: continue it with `aucue train --variant baseline --resume`"):
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


def test_a_full_disk_names_the_file_and_keeps_the_earlier_one(tmp_path, mount):
    path = mount(tmp_path / "disk", size=2**18) / "model.safetensors"
    checkpoints.write_tensors(path, {"a": torch.zeros(9)}, {"config": "{}"})
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"No space left on device: '.*/model\.safetensors'"):
        checkpoints.write_tensors(path, {"a": torch.zeros(2**18)}, {"config": "{}"})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


def test_weights_of_another_tool_are_not_replaced(classifier, config, tmp_path):
    for name in ("none", "damaged", "ours", "unfinished", "theirs", "pickle"):
        (tmp_path / name).mkdir()
    checkpoints.save(tmp_path / "ours" / "model.safetensors", classifier.state_dict(), config)
    whole = (tmp_path / "ours" / "model.safetensors").read_bytes()
    (tmp_path / "damaged" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    torch.save({"a": torch.zeros(9)}, tmp_path / "pickle" / "model.safetensors")
    checkpoints.write_tensors(tmp_path / "unfinished" / "model.safetensors", {"a": torch.zeros(9)}, {"state": "{}"})
    checkpoints.write_tensors(tmp_path / "theirs" / "model.safetensors", {"a": torch.zeros(9)}, {"format": "pt"})
    for name in ("none", "damaged", "ours", "unfinished"):
        checkpoints.refuse_foreign(tmp_path / name / "model.safetensors")
    for name in ("theirs", "pickle"):
        with pytest.raises(InputError, match=rf"{name}/model\.safetensors holds weights that aucue did not write"):
            checkpoints.refuse_foreign(tmp_path / name / "model.safetensors")


def test_a_file_without_permission_is_not_taken_for_a_missing_one(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    path = tmp_path / "model.safetensors"
    checkpoints.write_tensors(path, {"a": torch.zeros(9)}, {"config": "{}"})
    monkeypatch.setattr(Path, "open", refuse)
    for read in (checkpoints.load_config, checkpoints.refuse_foreign):
        with pytest.raises(PermissionError, match=r"Permission denied: '.*/model\.safetensors'"):
            read(path)
