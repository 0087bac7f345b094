"""No command fails because of the encoding of the terminal, of a file or of a pipe."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STREAMS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
}


@pytest.fixture
def run(tmp_path):
    """Run `aucue ...` as a process whose streams have an encoding; returns its exit code and the bytes that it wrote."""

    def run(streams, *arguments, file=None):
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONIOENCODING", "PYTHONUTF8")}
        environment |= {**STREAMS[streams], "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", "from pipeline.cli import aucue; aucue()", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=file or subprocess.PIPE, stderr=subprocess.PIPE, check=False
        )

    return run


@pytest.fixture
def project(tmp_path, params_path, orl, streams):
    """A csv data set with labels and, where the file system's encoding allows them, names of many scripts."""
    folder, face, codebook = ("fotos", "face", "book") if streams == "C" else ("фото", "лицо ☺", "книга")
    labels = ("colère 怒り", "joie →")
    (tmp_path / folder).mkdir()
    lines = ["image,label,split"]
    for person in range(1, 7):
        name = f"{face} {person}.pgm"
        (tmp_path / folder / name).write_bytes((orl / f"s{person}" / "1.pgm").read_bytes())
        lines.append(f"{name},{labels[person % 2]},{('train', 'validation', 'test')[person // 2 % 3]}")
    lines.append(f"weg →.jpg,{labels[0]},train")
    (tmp_path / folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    book = (REPOSITORY / "pipeline/codebooks/facs.yaml").read_text(encoding="utf-8")
    book = book.replace("  anger:", f'  "{labels[0]}":').replace("  happiness:", f'  "{labels[1]}":')
    (tmp_path / f"{codebook}.yaml").write_text(book.replace("name: facs", "name: книга →"), encoding="utf-8")
    text = params_path.read_text(encoding="utf-8").replace("dataset: demo ", "dataset: csv ")
    text = text.replace("root: pipeline/ingest/demo ", f"root: {folder} ")
    text = text.replace("codebook: belharbi2024 ", f"codebook: {codebook}.yaml ")
    shipped = "labels: [anger, disgust, fear, happiness, neutral, sadness, surprise]"
    text = text.replace(shipped, f'labels: ["{labels[0]}", "{labels[1]}"]')
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return f"{codebook}.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("streams", STREAMS)
def test_every_verb_before_training(run, project, streams, tmp_path):
    commands = [
        ["ingest"],
        ["detect"],
        ["landmarks"],
        ["heatmaps"],
        ["verify"],
        ["codebook", "show", project],
        ["codebook", "check", project],
        ["codebook", "diff", "facs", project],
        ["codebook", "list"],
        ["codebook", "draw", project, "-o", "рисунок.png"],
        ["cache", "prune"],
        ["--help"],
    ]
    for command in commands:
        result = run(streams, *command)
        assert result.returncode == 0, (command, result.stderr)
        assert b"Traceback" not in result.stderr
    with (tmp_path / "out.txt").open("wb") as file:
        assert run(streams, "ingest", file=file).returncode == 0
    assert b"joie" in (tmp_path / "out.txt").read_bytes()


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize(
    "command",
    [["detect", "--manifest", "нет →.csv"], ["codebook", "show", "нет →"], ["heatmaps", "--faces", "нет →"], ["нет →"]],
)
def test_errors_are_one_line(run, project, streams, command):
    result = run(streams, *command)
    assert result.returncode in (1, 2)
    assert b"Traceback" not in result.stderr
    assert result.stderr.count(b"Error: ") == 1


@pytest.mark.parametrize("streams", STREAMS)
def test_tables_with_arrows(run, evaluated_runs, params_path, streams):
    arguments = ["tables", "--runs", evaluated_runs, "--params", params_path, "--out", "tables"]
    result = run(streams, *arguments)
    assert result.returncode == 0, result.stderr
    assert "CL %" in result.stdout.decode("utf-8", "replace")
    arrow = b"?" if streams == "cp1252" else "→".encode()  # click writes UTF-8 where the encoding is ASCII
    assert arrow in result.stdout


@pytest.fixture
def evaluated_runs(tmp_path):
    """An evaluation without and one with guidance, made up."""
    for variant, align in (("baseline", []), ("guided", ["attention"])):
        folder = tmp_path / "runs" / variant
        folder.mkdir(parents=True)
        block = {"method": "cam", "align": align, "lambda": 2.0, "cam_lambda": 0.0, "layers": [5]}
        details = {"trained": {"train": block, "seed": 0, "faces": {}, "heatmaps": {}}}
        (folder / "metrics.json").write_text(json.dumps({"accuracy": 0.5, "att_cos": 0.5, "cam_cos": 0.5}))
        (folder / "details.json").write_text(json.dumps(details))
    return tmp_path / "runs"
