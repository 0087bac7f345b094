"""Several processes that train together, started by torchrun, get the same result as one process."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tests.train.loop.test_resume import command, short
from train.loop import stage as train
from train.loop.distributed import DistributedContext, GlobalBatchNorm2d, synchronise_batch_norms
from train.models import checkpoint as checkpoints

__all__ = ["short"]


def test_global_batch_norm_of_one_process_is_batch_norm(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        torch.manual_seed(0)
        ordinary, ours = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        model = synchronise_batch_norms(nn.Sequential(ours), DistributedContext(0, 2, torch.device("cpu")))
        assert type(model[0]) is GlobalBatchNorm2d
        assert list(model.state_dict()) == [f"0.{name}" for name in ordinary.state_dict()]
        x = torch.rand(6, 4, 5, 5) * 3 - 1
        weights = torch.rand(6, 4, 5, 5)
        gradients = []
        for norm in (ordinary, ours):
            inputs = x.clone().requires_grad_()
            (norm(inputs) * weights).sum().backward()
            gradients.append(inputs.grad)
        torch.testing.assert_close(ours(x), ordinary(x))
        torch.testing.assert_close(*gradients)
        torch.testing.assert_close(ours.running_var, ordinary.running_var)
        half = x.bfloat16().repeat(200, 1, 1, 1)  # 30,000 values a channel: more than bfloat16 can count
        torch.testing.assert_close(ours(half), ordinary(half))
        torch.testing.assert_close(ours.eval()(x), ordinary.eval()(x))
    finally:
        torch.distributed.destroy_process_group()


SHARED = """
import sys
import torch
from torch import nn
from train.loop.distributed import DistributedContext, distributed_context

with distributed_context("cpu") as distributed:
    norm = nn.BatchNorm2d(3)
    for value in norm.state_dict().values():
        value += distributed.rank + 1
    distributed.broadcast(norm)
    torch.save(norm.state_dict(), f"{sys.argv[1]}/{distributed.rank}.pt")
"""


def test_all_processes_get_what_the_first_one_has(tmp_path):
    (tmp_path / "shared.py").write_text(SHARED)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*run, tmp_path / "shared.py", tmp_path], check=True, capture_output=True)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first["running_mean"].tolist() == [1, 1, 1]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_network_is_shared_after_its_statistics_are_measured(dataset, params, monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr("train.loop.calibration.calibrate", lambda *_: done.append("calibrated"))
    monkeypatch.setattr(DistributedContext, "broadcast", lambda *_: done.append("shared"))
    monkeypatch.setattr("train.loop.engine.train_epoch", lambda *_: done.append("trained") or sys.exit())
    with pytest.raises(SystemExit):
        train.main(
            base=params.base,
            params=params.train,
            variant="guided",
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=tmp_path,
        )
    assert done == ["calibrated", "shared", "trained"]


def test_statistics_are_measured_on_what_the_network_sees(dataset, params, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("train.loop.calibration.calibrate", lambda _, batches: seen.extend(batches))
    monkeypatch.setattr("train.loop.engine.train_epoch", lambda *_: sys.exit())
    monkeypatch.setattr("train.loop.trainer.whole_view", lambda batch, size: coloured(len(batch.rows), size))
    grey = params.train.model_copy(update={"colour": False})
    with pytest.raises(SystemExit):
        train.main(
            base=params.base,
            params=grey,
            variant="guided",
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=tmp_path,
        )
    assert seen
    assert all(torch.equal(images[:, 0], images[:, 2]) for images in seen)


def coloured(number, size):
    return SimpleNamespace(images=torch.rand(number, 3, size, size))


def changed(params, **values):
    text = params.read_text(encoding="utf-8")
    for name, value in values.items():
        text, number = re.subn(rf"(?m)^  {name}: \S+", f"  {name}: {value}", text, count=1)  # the first is of train
        assert number == 1, name
    params.write_text(text, encoding="utf-8")


def metrics_of(folder):
    found = json.loads((folder / "live" / "metrics.json").read_text())
    return [found["train"], found["validation"]]


@pytest.mark.slow
def test_torchrun_takes_the_step_that_one_process_takes(dataset, short, tmp_path):
    changed(short, epochs=1, batch_size=8)
    subprocess.run(command(short, dataset, tmp_path / "one"), check=True, capture_output=True)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "train"]
    done = subprocess.run(command(short, dataset, tmp_path / "all", *run), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is best on validation") == 1
    again = subprocess.run(
        [*command(short, dataset, tmp_path / "all", *run), "--resume"], capture_output=True, text=True, check=False
    )
    assert again.stderr.count("nothing to do") == 1, again.stderr
    for one, two in zip(metrics_of(tmp_path / "one"), metrics_of(tmp_path / "all"), strict=True):
        assert two == pytest.approx(one, abs=1e-4)


# In single precision rounding grows from step to step (another number of threads does the same): it would hide a mistake.
PRECISE = """
import torch

torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double
from train.cli import train
from train.models import checkpoint as checkpoints

built = checkpoints.build
checkpoints.build = lambda *args, **options: built(*args, **options).double()
train()
"""


@pytest.mark.slow
def test_in_double_precision_many_steps_of_several_processes_are_those_of_one(dataset, short, tmp_path):
    (tmp_path / "precise.py").write_text(PRECISE)
    changed(short, epochs=5, batch_size=7, learning_rate=1e-3)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"]
    runs = {"one": [sys.executable], "all": launcher}
    for name, run in runs.items():
        subprocess.run(
            command(short, dataset, tmp_path / name, *run, tmp_path / "precise.py"), check=True, capture_output=True
        )
    one, several = (checkpoints.load(tmp_path / name / "model.safetensors")[0].state_dict() for name in runs)
    before = checkpoints.build(checkpoints.load_config(tmp_path / "one" / "model.safetensors")).state_dict()
    for name, value in one.items():
        torch.testing.assert_close(several[name], value, atol=1e-6, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}")
    assert any((value - before[name]).abs().max() > 1e-3 for name, value in one.items() if "conv" in name)
    for alone, together in zip(metrics_of(tmp_path / "one"), metrics_of(tmp_path / "all"), strict=True):
        assert together == pytest.approx(alone, abs=1e-9)


@pytest.mark.slow
def test_more_processes_than_faces_in_a_batch_are_one_sentence(dataset, short, tmp_path):
    text = short.read_text(encoding="utf-8")
    short.write_text(text.replace("  batch_size: 16", "  batch_size: 2"), encoding="utf-8")
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3", "-m", "train"]
    done = subprocess.run(command(short, dataset, tmp_path, *run), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "train.batch_size is 2, too few for 3 processes: raise it" in done.stderr
