import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from pipeline.cli import aucue

PATIENCE = 300  # seconds: a machine with other work starts slowly


@pytest.fixture
def run(checkpoint, shards, tmp_path, monkeypatch):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=checkpoint):
        options = ["--checkpoint", str(model), "--shards", str(shards[0]), "--heatmaps", str(shards[1])]
        return CliRunner().invoke(aucue, ["explain", *map(str, arguments), *options])

    return run


def test_a_photo_is_explained_in_a_line(run, test_photos, tmp_path):
    result = run(test_photos[0]["path"], "--no-needed", "--faces", "largest")
    assert result.exit_code == 0, result.output
    assert f"{test_photos[0]['path']}: " in result.output
    assert result.output.endswith("wrote data/explanations/index.html\n")
    names = {file.name for file in (tmp_path / "data" / "explanations").iterdir() if not file.name.startswith(".")}
    assert names == {"explanations.csv", "explanations.json", "index.html", "pictures"}


def test_help_has_examples(run):
    result = CliRunner().invoke(aucue, ["explain", "--help"])
    assert "aucue explain interview.mp4 --every 0.5" in result.output


def test_bad_input_is_told_in_one_line(run, test_photos, tmp_path, checkpoint):
    photo = test_photos[0]["path"]
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 100)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("mine")
    for arguments, model, problem in (
        ([photo], tmp_path / "none.safetensors", "none.safetensors does not exist: run `aucue train` first"),
        ([photo], tmp_path / "broken.safetensors", "broken.safetensors is not a checkpoint of this version"),
        (["nowhere.jpg"], checkpoint, "nowhere.jpg does not exist: give photos"),
        (["empty"], checkpoint, "empty holds no photo and no video"),
        ([photo, "--codebook", "none"], checkpoint, "none"),
        ([photo, "--out", "text"], checkpoint, "a file is where a folder should be: name another place"),
        ([photo, "--out", "text/sub"], checkpoint, "text/sub"),
        ([photo, "--evaluation", "none"], checkpoint, "none, which --evaluation names, is no folder"),
    ):
        result = run(*arguments, model=model)
        assert result.exit_code == 1, (arguments, result.output)
        lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1
        assert problem in lines[0]
        assert "Traceback" not in result.output
    assert (tmp_path / "text").read_text() == "mine"


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "often"])
def test_what_is_no_number_of_seconds_is_refused(run, test_photos, seconds):
    result = run(test_photos[0]["path"], "--every", seconds)
    assert result.exit_code == 2
    assert "Error: Invalid value for '--every'" in result.output


def test_shards_that_are_named_must_be_there(checkpoint, test_photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["explain", test_photos[0]["path"], "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(aucue, [*command, "--shards", "none"])
    assert result.exit_code == 1
    assert "Error: none, which --shards names, is no folder: name one, or leave out --shards" in result.output


def test_without_params_yaml_the_search_is_the_default(run, test_photos, tmp_path):
    assert not (tmp_path / "params.yaml").exists()
    assert run(test_photos[0]["path"], "--no-needed", "--no-pictures").exit_code == 0


@pytest.mark.slow
def test_ctrl_c_in_a_video_leaves_whole_rows_and_the_same_command_goes_on(video, checkpoint, tmp_path, test_photos):
    clip = video(photos=[row["path"] for row in test_photos[:8]], repeat=12)
    command = [sys.executable, "-c", "from pipeline.cli import aucue; aucue()", "explain", str(clip)]
    command += ["--checkpoint", str(checkpoint), "--no-needed", "--no-pictures", "--batch-size", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    database = next_file(tmp_path / "data" / ".cache", "explain.sqlite")
    deadline = time.monotonic() + PATIENCE
    while database.stat().st_size + sum(f.stat().st_size for f in database.parent.glob("*-wal")) < 60_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGINT
    assert "Interrupted: finished work is kept; run the same command again to continue." in errors
    table = tmp_path / "data" / "explanations" / "explanations.csv"
    rows = table.read_text().splitlines()
    fields = rows[0].count(",")
    assert all(row.count(",") >= fields for row in rows)

    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    interrupted, whole = rows, table.read_text().splitlines()
    assert len(whole) == 97
    assert whole[: len(interrupted)] == interrupted


def next_file(folder, name):
    deadline = time.monotonic() + PATIENCE
    while not (found := list(folder.rglob(name))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found[0]


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of Unix")
def test_an_unwritable_folder_is_named(run, test_photos, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    result = run(test_photos[0]["path"], "--out", "locked/out")
    assert result.exit_code == 1
    assert "locked" in result.output
    shutil.rmtree(tmp_path / "locked")


def test_parameters_that_are_named_must_be_there(run, test_photos):
    result = run(test_photos[0]["path"], "--params", "other.yaml", "--no-needed")
    assert result.exit_code == 1
    assert "other.yaml" in result.output
