import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.runtime.errors import InputError
from train.tables.evaluated_runs import find_runs

EVALUATE = """
import json, pathlib, yaml
params = yaml.safe_load(open("params.yaml"))
for variant, align in (("baseline", []), ("guided", ["attention"])):
    folder = pathlib.Path("data/evaluation", variant)
    folder.mkdir(parents=True, exist_ok=True)
    trained = {"train": {**params, "align": align}, "seed": 0, "faces": {}, "heatmaps": {}}
    (folder / "metrics.json").write_text(json.dumps({"accuracy": params["lambda"] / 10}))
    (folder / "details.json").write_text(json.dumps({"trained": trained}))
"""
DVC_YAML = """
stages:
  evaluate:
    foreach: [baseline, guided]
    do:
      cmd: '"{python}" evaluate.py'
      params: [lambda]
      outs: ["data/evaluation/${{item}}/details.json"]
      metrics: ["data/evaluation/${{item}}/metrics.json"]
"""
GIT = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with git and DVC whose evaluation is made up, and a way to run commands in it."""
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, **GIT, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}

    def run(*command):
        subprocess.run(command, check=True, capture_output=True, env=environment)

    (tmp_path / "params.yaml").write_text("method: cam\nlayers: [5]\nlambda: 1\ncam_lambda: 0\n")
    (tmp_path / "evaluate.py").write_text(EVALUATE)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML.format(python=sys.executable))
    run("git", "init", "--quiet")
    run("dvc", "init", "--quiet")
    run("git", "add", ".")
    run("git", "commit", "--quiet", "--message", "all")
    return run


def weights(runs):
    return sorted((run.config.weight, run.metrics["accuracy"]) for run in runs)


def test_experiments_are_read_without_checking_them_out(project, tmp_path):
    for weight in (2, 4):
        project("dvc", "exp", "run", "--name", f"w{weight}", "--set-param", f"lambda={weight}")
    assert weights(find_runs([tmp_path / "data"])) == [(0, 0.4), (4, 0.4)]  # the last one's are in the folder
    runs = find_runs([], in_experiments=True)
    assert weights(runs) == [(0, 0.2), (0, 0.4), (2, 0.2), (4, 0.4)]
    assert runs[0].place == "experiment w2: data/evaluation/baseline"
    shutil.rmtree(tmp_path / "data")
    shutil.rmtree(tmp_path / ".dvc" / "cache")
    with pytest.raises(InputError, match=r"experiment w2: data/evaluation/\w+ is not in DVC's cache any more: run it again"):
        find_runs([], in_experiments=True)


@pytest.mark.slow
def test_what_an_experiment_did_not_run_is_left_out(project):
    project("dvc", "exp", "run", "--queue", "--name", "w2", "--set-param", "lambda=2", "evaluate@guided")
    project("dvc", "exp", "run", "--run-all")
    runs = find_runs([], in_experiments=True)
    assert [(run.place, run.config.weight) for run in runs] == [("experiment w2: data/evaluation/guided", 2)]


@pytest.mark.slow
def test_what_did_not_end_well_is_left_out_and_named(project, tmp_path, capsys):
    project("dvc", "exp", "run")
    (tmp_path / ".gitignore").write_text("data\n")
    project("git", "add", "dvc.lock", ".gitignore")  # by which the experiments that do not end have figures too
    project("git", "commit", "--quiet", "--message", "run")
    project("dvc", "exp", "run", "--queue", "--name", "good", "--set-param", "lambda=2")
    project("dvc", "exp", "run", "--queue", "--name", "bad", "--set-param", "lambda=none")
    project("dvc", "exp", "run", "--run-all")
    project("dvc", "exp", "run", "--queue", "--name", "waiting", "--set-param", "lambda=3")
    assert {run.place.partition(":")[0] for run in find_runs([], in_experiments=True)} == {"experiment good"}
    said = capsys.readouterr().err
    assert "WARNING: experiment bad is left out: failed (`dvc queue status`)" in said
    assert "WARNING: experiment waiting is left out: queued" in said


def test_a_project_without_experiments_has_no_runs(project):
    with pytest.raises(InputError, match="there is no evaluated run in DVC's experiments: run `aucue evaluate`"):
        find_runs([], in_experiments=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_is_one_sentence_with_the_fix(project, tmp_path):
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    with pytest.raises(InputError, match=f"run `git config --global --add safe.directory '{tmp_path}'`") as caught:
        find_runs([], in_experiments=True)
    assert "\n" not in str(caught.value)
    code = "from train.tables.evaluated_runs import find_runs; find_runs([], in_experiments=True)"
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[3])}
    (tmp_path / "home").mkdir()
    subprocess.run(["git", "config", "--global", "--add", "safe.directory", str(tmp_path)], check=True, env=environment)
    trusted = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "there is no evaluated run in DVC's experiments" in trusted.stderr


@pytest.mark.parametrize("damage", ["HEAD", "objects", "config"])
def test_a_damaged_repository_is_one_sentence(project, tmp_path, damage):
    broken = tmp_path / ".git" / damage
    shutil.rmtree(broken) if broken.is_dir() else broken.write_bytes(b"\0garbage")
    with pytest.raises(InputError, match=r"experiments cannot be read .*: they need a folder with git and DVC") as caught:
        find_runs([], in_experiments=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", [["checkout", "--quiet", "--detach"], ["gc", "--quiet"]])
def test_a_detached_or_packed_repository_is_read(project, command):
    project("git", *command)
    with pytest.raises(InputError, match="there is no evaluated run in DVC's experiments"):
        find_runs([], in_experiments=True)


def test_outside_of_git_and_dvc_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"experiments cannot be read .*: they need a folder with git and DVC"):
        find_runs([], in_experiments=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], check=True)
    with pytest.raises(InputError, match=r"experiments cannot be read .*: they need a folder with git and DVC"):
        find_runs([], in_experiments=True)
