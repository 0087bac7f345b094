"""A training that is killed goes on and ends where an undisturbed one does, to the bit. Real processes, real kills."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from pipeline.runtime.finished_work import cache
from train.loop import resume
from train.loop.resume import State
from train.loop.stage import ROOMS
from train.models.checkpoint import Config

EPOCHS = 3


@pytest.fixture
def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.rand(5, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def fresh():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return model, torch.optim.AdamW(model.parameters())


def test_round_trip(network, tmp_path):
    model, optimizer = network
    best = {name: value + 1 for name, value in model.state_dict().items()}
    state = State("run", 3, 30, [{"train": {"accuracy": 0.5}}], {"epoch": 2}, best)
    resume.save(tmp_path / "a.safetensors", state, model, optimizer)
    other, its_optimizer = fresh()
    loaded = resume.load(tmp_path / "a.safetensors", "run", other, its_optimizer)
    assert (loaded.epoch, loaded.step, loaded.history, loaded.best) == (3, 30, state.history, state.best)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
        assert torch.equal(loaded.best_weights[name], best[name])
    torch.testing.assert_close(its_optimizer.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0)


@pytest.mark.parametrize("damage", ["another run", "cut", "pickle", "absent"])
def test_what_cannot_be_gone_on_with_is_begun_again(network, tmp_path, damage):
    path = tmp_path / "a.safetensors"
    resume.save(path, State("run", 1), *network)
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-20])
        case "pickle":
            torch.save({}, path)
        case "absent":
            path.unlink()
    model, optimizer = fresh()
    before = model[0].weight.clone()
    assert resume.load(path, "other" if damage == "another run" else "run", model, optimizer) is None
    assert torch.equal(model[0].weight, before)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of the code, which is digested in place of the code that runs."""
    for package in ("pipeline", "train"):
        shutil.copytree(cache.SOURCES / package, tmp_path / "code" / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "SOURCES", tmp_path / "code")
    cache.source_digest.cache_clear()
    yield tmp_path / "code"
    cache.source_digest.cache_clear()


@pytest.mark.parametrize(
    ("file", "continues"),
    [
        ("train/report/stage.py", True),
        ("train/report/templates/report.html.j2", True),
        ("train/evaluate/stage.py", True),
        ("pipeline/detect/stage.py", True),
        ("train/loop/engine.py", False),
        ("train/data/augmentation.py", False),
        ("train/models/methods/cam.py", False),
        ("train/alignment.py", False),
    ],
)
def test_only_code_that_decides_the_result_discards_a_half_done_training(network, code, tmp_path, file, continues):
    def digest():
        cache.source_digest.cache_clear()
        config = Config("guided", 0, ("a", "b"), {}, 0, {}, {})
        return resume.run_digest(config, fresh_model, torch.device("cpu"), ROOMS)

    fresh_model, _ = fresh()
    unfinished = tmp_path / "unfinished.safetensors"
    resume.save(unfinished, State(digest(), epoch=1), *network)
    assert resume.load(unfinished, digest(), *fresh()).epoch == 1
    with (code / file).open("a", encoding="utf-8") as changed:
        changed.write("# a changed comment\n")
    assert (resume.load(unfinished, digest(), *fresh()) is not None) is continues


def command(params_path, dataset, out, *prefix):
    return [
        *(prefix or [sys.executable, "-m", "train"]),
        *("--params", str(params_path), "--faces", str(dataset.faces), "--heatmaps", str(dataset.heatmaps)),
        *("--out", str(out), "--resume"),
    ]


@pytest.fixture
def short(params_path, tmp_path):
    """params.yaml for a run of seconds."""
    text = params_path.read_text(encoding="utf-8")
    for old, new in (
        ("epochs: 18", f"epochs: {EPOCHS}"),
        ("input_size: 120", "input_size: 64"),
        ("batch_size: 32", "batch_size: 16"),
    ):
        assert text.count(f"  {old}") == 1
        text = text.replace(f"  {old}", f"  {new}")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "params.yaml"


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".tsv", ".safetensors"}
    }


@pytest.mark.slow
def test_killed_at_any_step_it_ends_where_the_undisturbed_run_ends(dataset, short, tmp_path):
    start = time.monotonic()
    subprocess.run(command(short, dataset, tmp_path / "whole"), check=True, capture_output=True)
    seconds = time.monotonic() - start
    chance, kills = random.Random(0), 0
    while kills < 6:
        process = subprocess.Popen(
            command(short, dataset, tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0.2, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if kills:
            break  # it is at its end
        shutil.rmtree(tmp_path / "killed")  # it was faster than the undisturbed run, and not killed: again
    subprocess.run(command(short, dataset, tmp_path / "killed"), check=True, capture_output=True)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert set(files(tmp_path / "whole")) > {"model.safetensors"}  # and curves; nothing unfinished


@pytest.mark.slow
def test_it_does_go_on(dataset, short, tmp_path):
    process = subprocess.Popen(command(short, dataset, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "unfinished.safetensors").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.kill()
    process.communicate()
    done = subprocess.run(command(short, dataset, tmp_path), check=True, capture_output=True, text=True)
    assert "going on after epoch 1 of 3" in done.stderr
    assert "1/3: " not in done.stderr
    assert not (tmp_path / "unfinished.safetensors").exists()


def test_a_full_disk_keeps_the_state_of_the_epoch_before(network, tmp_path, mount):
    path = mount(tmp_path / "disk", size=2**16) / "unfinished.safetensors"
    resume.save(path, State("run", 1), *network)
    with pytest.raises(OSError, match=r"No space left on device: '.*/unfinished\.safetensors'"):
        resume.save(path, State("run", 2, best_weights={"large": torch.zeros(2**16)}), *network)
    assert resume.load(path, "run", *fresh()).epoch == 1
    assert [file.name for file in path.parent.iterdir()] == ["unfinished.safetensors"]
