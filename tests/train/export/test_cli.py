import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from pipeline.cli import aucue
from train.loop import resume
from train.models import checkpoint as checkpoints


def fails(result, match):
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert match in result.stderr


def run(*arguments):
    return CliRunner().invoke(aucue, ["export", *map(str, arguments)])


def test_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(run(), "data/train/guided/model.safetensors does not exist: run `aucue train` first")
    fails(run("--checkpoint", tmp_path), "is a folder: name the model.safetensors in it")
    assert list(tmp_path.iterdir()) == []


def test_damaged_and_unfinished_checkpoints(save, tmp_path):
    whole, path, out = save(), tmp_path / "model.safetensors", tmp_path / "model.onnx"
    path.write_bytes(whole.read_bytes()[:-1000])
    fails(run("--checkpoint", path, "--out", out), "is not a checkpoint of this version")
    classifier, config = checkpoints.load(whole)
    resume.save(path, resume.State("run"), classifier, torch.optim.SGD(classifier.parameters()))
    fails(run("--checkpoint", path, "--out", out), "has not ended: continue it with `aucue train --resume`")
    checkpoints.save(path, classifier.state_dict(), replace(config, heatmaps={}))
    assert not out.exists()


def test_a_checkpoint_of_unknown_map_size(packages, save, tmp_path):
    classifier, config = checkpoints.load(save())
    path = tmp_path / "model.safetensors"
    checkpoints.save(path, classifier.state_dict(), replace(config, heatmaps={}))
    fails(run("--checkpoint", path, "--out", tmp_path / "model.onnx"), "does not name the size of its heatmaps")


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_a_missing_extra_is_named(save, missing, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    result = run("--checkpoint", save(), "--out", tmp_path / "model.onnx")
    fails(result, "needs the extra aucue[export]")
    assert "pip install -c constraints.txt -e '.[export]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_and_a_device_are_no_file(tmp_path):
    fails(run("--out", tmp_path), f"{tmp_path} is a folder: name a file in it, such as {tmp_path / 'model.onnx'}")
    fails(run("--out", os.devnull), f"{os.devnull} is no ordinary file")


def test_a_place_where_nothing_can_be_written(packages, save, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    fails(run("--checkpoint", save(), "--out", tmp_path / "file" / "model.onnx"), str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_full_disk_names_the_file(exported, converted, tmp_path, mount):
    path = mount(tmp_path / "disk", size=2**20) / "model.onnx"
    fails(run("--checkpoint", exported.checkpoint, "--out", path), "No space left on device")
    assert list(path.parent.iterdir()) == []


def says(lines, file, method, outputs):
    """The lines of a command that wrote ``file``."""
    compared, wrote, *usage = lines
    assert compared.startswith("compared with PyTorch: the largest difference of any output is ")
    assert wrote == f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB): guided, {method} on dlib_resnet"
    assert f'  session = onnxruntime.InferenceSession("{file}")' in usage
    assert usage[-1].startswith(f'  {outputs} = session.run(None, {{"images": faces}})')
    assert "(B, 3, 64, 64) float32, RGB in [0, 1]" in usage[-1]


def test_the_command_says_what_it_wrote_and_how_to_use_it(exported, converted, tmp_path):
    file = tmp_path / "new" / "m.onnx"
    result = run("--checkpoint", exported.checkpoint, "--out", file)
    assert result.stderr == ""
    says(result.stdout.splitlines(), file, "cam", "logits, attention, class_maps")


def test_a_file_that_was_not_compared_comes_with_a_warning(exported, converted, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = run("--checkpoint", exported.checkpoint, "--out", tmp_path / "m.onnx")
    assert result.stderr.startswith("WARNING: the file was not compared with PyTorch")
    assert "compared" not in result.stdout
    assert (tmp_path / "m.onnx").read_bytes() == exported.file.read_bytes()


@pytest.mark.slow
def test_libraries_print_nothing(packages, save, tmp_path):
    command = [sys.executable, "-c", "from pipeline.cli import aucue; aucue()", "export", "--checkpoint", str(save("apvit"))]
    file = tmp_path / "new" / "m.onnx"
    result = subprocess.run([*command, "--out", str(file)], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    says(result.stdout.splitlines(), file, "apvit", "logits, attention")
