"""The checks of run.sh, where there is a GPU; and what they do without one."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib import metadata

import pytest
import torch

from tests.gpu import checks
from train.data.dataset import Faces, open_shards

NO_GPU = "PyTorch finds no GPU here: run `bash tests/gpu/run.sh` on a machine that has one"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    checks.write_data(folder, large=672 if torch.cuda.is_available() else 24)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
@pytest.mark.parametrize("name", checks.CHECKS)
def test_on_the_gpu(data, name):
    checks.CHECKS[name](data, torch.device("cuda"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float32", "bfloat16", "resume"])
def test_a_check_passes_of_a_cpu(data, name):
    checks.CHECKS[name](data, CPU)


def test_losses_that_are_too_far_apart_fail():
    expected = {"cross_entropy": 1.0, "alignment": 0.5, "cam_alignment": 0.2}
    checks.compare(expected, expected | {"alignment": 0.50004}, 1e-4)
    for name in expected:
        for wrong in (expected[name] * 1.001, float("nan")):
            with pytest.raises(checks.Different, match=f"^{name} is "):
                checks.compare(expected, expected | {name: wrong}, 1e-4)


def test_the_set_has_faces_of_every_label_in_both_splits(data):
    shards = open_shards(data / "faces", data / "heatmaps")
    for split, number in (("train", 96), ("validation", 48)):
        faces = Faces(*shards, split, ("anger", "happiness", "neutral"))
        assert len(faces) == number
        assert sorted(set(faces.targets.tolist())) == [0, 1, 2]
        assert (faces.has_map == (faces.targets < 2)).all()
        assert faces[0][0].shape == (3, 80, 80)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_script_says_so_in_one_line():
    script = [sys.executable, "-m", "tests.gpu.checks"]
    done = subprocess.run(script, cwd=checks.REPOSITORY, env=os.environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: PyTorch finds no GPU here: run this on a machine that has one\n"


ALONE = """
import sys
from pathlib import Path
import torch
from tests.gpu import checks

for changes in ({}, {"backbone": "hf:resnet", "batch_size": 4}):
    trainer = checks.trainer_of(checks.small(workers=0, **changes), Path(sys.argv[1]), torch.device("cpu"))
    trainer.batches = 1
    print(trainer.epoch(trainer.begin())["train"]["alignment"])
"""


def with_dependencies(names):
    """The names of distributions and of all that they need, as far as it is installed."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        with suppress(metadata.PackageNotFoundError):
            if name not in found:
                needed = metadata.requires(name) or []
                found.add(name)
                waiting += [re.match(r"[\w.-]+", line)[0] for line in needed if "extra ==" not in line]
    return found


@pytest.mark.slow
def test_the_packages_beside_the_script_are_enough(data, tmp_path):
    """A machine that has PyTorch and the packages of requirements.txt alone."""
    lines = (checks.REPOSITORY / "tests" / "gpu" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for name in {line for line in lines if not line.startswith("#")} | with_dependencies({"torch"}) | {"aucue"}:
        installed = metadata.distribution(name)
        for top in {file.parts[0] for file in installed.files} - {"..", "__pycache__"}:
            if (checks.REPOSITORY / top).exists():  # aucue's own code, if the repository itself is on Python's path
                continue
            if top == "cv2":  # it looks for its parts where its file really is
                shutil.copytree(installed.locate_file(top), tmp_path / top)
            elif not (tmp_path / top).exists():
                (tmp_path / top).symlink_to(installed.locate_file(top))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (checks.REPOSITORY, tmp_path)))}
    run = [sys.executable, "-S", "-c", ALONE, data]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
