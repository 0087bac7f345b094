import csv
import json
import os
import re
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from pipeline.faces.manifest import SPLITS
from pipeline.shards import ShardSet

STAGES = ["ingest", "detect", "landmarks", "heatmaps", "train", "evaluate", "report"]


def fails(result, match):
    """One line that starts with Error:, and no traceback. A wrong use has its usage before it."""
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.exit_code in (1, 2)
    assert len(errors) == 1
    assert result.stderr.rstrip("\n").endswith(errors[0])
    if result.exit_code == 1:
        assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert match in errors[0]


def fails_last(result, match):
    """A last line that starts with Error:, after lines of progress."""
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert match in last


def test_help_lists_the_stages_in_order(run):
    text = run("--help").output
    listed = text.split("Commands:")[1].split()
    assert next(word for word in listed if word in STAGES) == "ingest"
    assert [stage for stage in STAGES if f"\n  {stage} " in text] == STAGES
    assert "Examples:" in text
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_stage_has_an_example(run, stage, flag):
    result = run(stage, flag)
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"  aucue {stage}" in result.output
    assert "--params" in result.output


@pytest.mark.parametrize("stage", STAGES)
def test_defaults_are_the_paths_of_dvc_yaml(run, stage, params_path):
    text = (params_path.parent / "dvc.yaml").read_text()
    command = " ".join(text.split(f"aucue {stage} ")[1].split("    deps:")[0].split())
    shown = run(stage, "--help").output
    for word in command.replace("${item.variant}", "").split():
        if word.startswith("--"):
            assert word in shown


def test_version(run):
    assert run("--version").output.startswith("aucue, version ")


def test_unknown_command(run):
    fails(run("detekt"), "No such command 'detekt'")


def test_unknown_option(run):
    fails(run("detect", "--manifst", "x"), "No such option")


@pytest.mark.parametrize("stage", STAGES[:4])
def test_missing_params(run, stage):
    fails(run(stage), "params.yaml does not exist: run this in the folder of the project, or name the file with --params")


@pytest.mark.parametrize("stage", STAGES[:4])
@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("dataset: demo", "dataset: imagenet"), "params.yaml: ingest.dataset is 'imagenet': input should be 'demo'"),
        (("  seed: 0 ", "  sead: 0 "), "base.sead is not a known name: remove it or fix its spelling"),
        (("  seed: 0 ", "  seed: zero "), "base.seed is 'zero'"),
        (("  epochs: ", "  epochs: -"), "train.epochs is -"),
        (("  seed: 0 ", "  seed: 0\n  seed: 1 "), 'duplicate key "seed"'),
    ],
)
def test_bad_params(run, write_params, stage, change, match):
    write_params(change)
    fails(run(stage), match)


def test_missing_root(run, write_params):
    write_params(("root: pipeline/ingest/demo ", "root: nowhere "))
    fails(run("ingest"), "ingest.root 'nowhere' is not a folder: give the folder of the demo photos")


@pytest.fixture
def table(tmp_path, orl):
    """A csv data set of 12 portraits; call it with a line to append."""

    def table(extra=""):
        lines = [f"{orl}/s{person}/1.pgm,{'anger' if person % 2 else 'fear'}" for person in range(1, 13)]
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "labels.csv").write_text("\n".join(["image,label", *lines, extra]))

    return table


CSV = ("dataset: demo ", "dataset: csv "), ("root: pipeline/ingest/demo ", "root: root ")
ONE_WORKER, TWO_WORKERS = (("workers: auto       # processes;", f"workers: {n} # processes;") for n in (1, 2))


def test_unknown_label(run, write_params, table):
    table("x.jpg,angry")
    write_params(*CSV)
    fails(run("ingest"), "): 'angry' (1 photo): write in params.yaml ingest.rename: {angry: anger} if that is meant")


def test_home_is_written_out_in_parameters_and_options(run, write_params, table, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("OUTPUTS", "out")
    table()
    write_params(
        CSV[0], ("root: pipeline/ingest/demo ", "root: ~/root "), ("validation_fraction: 0.1 ", "validation_fraction: 0.3 ")
    )
    assert run("ingest", "--params=~/params.yaml", "--manifest=~/$OUTPUTS/manifest.csv").exit_code == 0
    assert (tmp_path / "out" / "manifest.csv").is_file()
    fails(run("heatmaps", "--codebook", "~/none.yaml"), "there is no codebook '~/none.yaml'")
    assert not (tmp_path / "~").exists()


def test_two_faces_of_one_photo_stay_two_faces(run, write_params, orl, tmp_path):
    """In a table as Excel writes it on Windows, from the manifest to the heatmaps."""
    (tmp_path / "root" / "photos").mkdir(parents=True)
    lines = [" Image ;LABEL;Box "]
    for pair in range(6):
        portraits = [cv2.imread(str(orl / f"s{2 * pair + side}" / "1.pgm")) for side in (1, 2)]
        cv2.imwrite(str(tmp_path / "root" / "photos" / f"{pair}.png"), np.hstack(portraits))
        lines += [rf"Photos\{pair}.PNG;Anger;0 0 92 112", rf"Photos\{pair}.PNG;fear;92 0 184 112"]
    (tmp_path / "root" / "labels.csv").write_bytes("\r\n".join([*lines, ";;", ";;", ""]).encode("utf-16"))
    write_params(
        *CSV,
        ("validation_fraction: 0.1 ", "validation_fraction: 0.3 "),
        ("max_refinements: 3 ", "max_refinements: 0 "),
        ONE_WORKER,
    )
    for stage in STAGES[:4]:
        assert run(stage).exit_code == 0
    assert run("verify").exit_code == 0
    assert (tmp_path / "data" / "duplicates.csv").read_text().count("\n") == 1
    faces = ShardSet(tmp_path / "data" / "faces", "faces")
    rows = list(csv.DictReader((tmp_path / "data" / "manifest.csv").open(newline="")))
    assert [row["id"] for row in rows] == [f"photos/{pair}.png{face}" for pair in range(6) for face in ("", "#2")]
    assert [row["label"] for row in rows] == ["anger", "fear"] * 6
    assert all(left["split"] == right["split"] for left, right in zip(rows[::2], rows[1::2], strict=True))
    assert len({faces.crop(row).tobytes() for row in range(12)}) == 12


def test_empty_split(run, write_params, table):
    table()
    write_params(*CSV, ("validation_fraction: 0.1 ", "validation_fraction: 0.0 "))
    fails(
        run("ingest"),
        "the validation split is empty: give more training photos or subjects, or raise ingest.validation_fraction",
    )


def test_stages_run_one_after_the_other(run, write_params, table, tmp_path):
    table()
    write_params(
        *CSV,
        ("validation_fraction: 0.1 ", "validation_fraction: 0.3 "),
        ONE_WORKER,
    )
    assert "wrote 12 rows to data/manifest.csv" in run("ingest").output
    assert all(split in (tmp_path / "data" / "manifest.csv").read_text() for split in SPLITS)
    assert "12 ok; 0 with several faces" in run("detect").output
    assert "wrote 12 rows to data/faces" in run("landmarks").output
    for name in ("detections.json", "faces.json"):
        counts = json.loads((tmp_path / "data" / name).read_text())
        assert counts["total"] == {"ok": 12}
        assert counts["by_label"] == {"anger": {"ok": 6}, "fear": {"ok": 6}}
        assert sum(split["ok"] for split in counts["by_split"].values()) == 12
    rendered = run("heatmaps").output
    assert "12 with a map\ncodebook belharbi2024: " in rendered
    assert "faces/s\nwrote 12 rows to data/heatmaps" in rendered
    assert len(ShardSet(tmp_path / "data" / "heatmaps", "heatmaps")) == 12


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["detect"], "data/manifest.csv does not exist: run `aucue ingest` first"),
        (["landmarks"], "data/manifest.csv does not exist: run `aucue ingest` first"),
        (
            ["heatmaps"],
            "data/faces is not a complete set of faces (it does not exist): run `aucue landmarks` first, or give its path",
        ),
        (
            ["heatmaps", "--codebook", "mine"],
            "there is no codebook 'mine': give one of belharbi2024, facs, landmarks68, or the path of a .yaml",
        ),
        (["detect", "--params", "none.yaml"], "none.yaml does not exist"),
    ],
)
def test_missing_input_names_the_stage_before(run, write_params, arguments, match):
    write_params()
    fails(run(*arguments), match)


def test_missing_model(run, write_params, dataset):
    write_params(("predictor: null", "predictor: none.dat"))
    tables = "--manifest", dataset.manifest, "--detections", dataset.detections
    fails(
        run("landmarks", *tables),
        "landmarks.predictor 'none.dat' does not exist: give a dlib shape predictor's file, or null",
    )


def test_codebook_option_replaces_the_parameter(run, write_params, dataset, params_path, tmp_path):
    write_params()
    book = (params_path.parent / "pipeline" / "codebooks" / "belharbi2024.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(book.replace("name: belharbi2024", "name: mine").replace("anger: [4, ", "anger: ["))
    result = run("heatmaps", "--codebook", "mine.yaml", "--faces", dataset.faces, "--out", "maps")
    assert "84 with a map" in result.output
    assert ShardSet(tmp_path / "maps", "heatmaps").provenance["codebook"] == "mine"


def test_heatmaps_say_how_many_and_why_not(run, write_params, dataset, tmp_path):
    write_params()
    result = run("heatmaps", "--codebook", "facs", "--faces", dataset.faces, "--out", "maps", "--workers", "2")
    counts, rate, wrote = result.stdout.splitlines()
    assert counts == "84 with a map, 14 without: neutral has no action units"
    assert re.fullmatch(r"codebook facs: [\d.]+ s, [\d,]+ faces/s", rate)
    assert wrote == "wrote 98 rows to maps"


@pytest.mark.slow
def test_bench_measures_and_writes(run, write_params, params_path, tmp_path):
    write_params()
    tests = params_path.parent / "tests"
    given = "--slow", tests / "pipeline" / "codebook" / "slow_heatmaps.py", "--golden", tests / "reference" / "heatmaps.npz"
    result = run("bench", "heatmaps", "--faces", 700, "--most", 1500, *given)
    assert result.exit_code == 0
    written = json.loads((tmp_path / "data" / "bench" / "heatmaps.json").read_text())
    assert written["fidelity"]["golden_min"] > 0.999
    assert written["fidelity"]["slow_min"] > 0.995
    assert written["fidelity"]["has_map_disagreements"] == 0
    assert written["kernel"]["times_faster"] > 1
    assert [run["faces"] for run in written["end_to_end"]] == [700, 1400, 1500]
    assert all(run["bytes_per_face"] < 830 for run in written["end_to_end"])
    assert [path.name for path in (tmp_path / "data" / "bench").iterdir()] == ["heatmaps.json"]
    slow = "tests/pipeline/codebook/slow_heatmaps.py"
    fails(run("bench", "heatmaps"), f"there is no slow renderer {slow}: run in the repository's")
    fails(run("bench", "heatmaps", *given[:2]), "there are no golden maps tests/reference/heatmaps.npz")


def test_output_that_cannot_be_written(run, write_params, dataset, tmp_path):
    write_params()
    (tmp_path / "file").write_text("x")
    for out in ("file/maps", "file"):
        result = run("heatmaps", "--faces", dataset.faces, "--out", out)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("Error: ")
        assert "file" in result.stderr.splitlines()[-1]


def aucue_process(*arguments, folder, **environment):
    script = "from pipeline.cli import aucue; aucue()"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,  # the tests look at the exit code
        text=True,
        timeout=60,
    )


def test_real_process_fails_in_one_line(tmp_path):
    result = aucue_process("detect", folder=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert (
        result.stderr
        == "Error: params.yaml does not exist: run this in the folder of the project, or name the file with --params\n"
    )


def test_offline_commands_start_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('torch was imported')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for command in ("ingest", "detect", "landmarks", "heatmaps", "codebook", "bench"):
        assert aucue_process(command, "--help", folder=tmp_path, PYTHONPATH=path).returncode == 0
    assert aucue_process("--version", folder=tmp_path, PYTHONPATH=path).returncode == 0


# Hard inputs, from photo to shards


@pytest.fixture
def damaged(tmp_path, orl, table):
    """Damaged files among the photos of a data set; returns each with its status to be."""
    table()
    root = tmp_path / "root"
    _, portrait = cv2.imencode(".jpg", cv2.imread(f"{orl}/s1/1.pgm"))
    bomb = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    bomb += zlib.crc32(bomb[12:]).to_bytes(4, "big")
    contents = {
        "empty.jpg": (b"", "unreadable"),
        "half.jpg": (portrait.tobytes()[:900], "unreadable"),
        "text.png": (b"no image\n", "unreadable"),
        "bomb.png": (bomb + b"\0\0\0\0IDAT" + bytes(4), "too_large"),
        "noise.bmp": (cv2.imencode(".bmp", np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))[1], "no_face"),
        "größe 顔 🙂.jpg": (portrait.tobytes(), "ok"),
        "wrong.png": (portrait.tobytes(), "ok"),
    }
    for name, (content, _) in contents.items():
        (root / name).write_bytes(content)
    (root / "folder.jpg").mkdir()
    (root / "link.jpg").symlink_to(root / "nowhere.jpg")
    expected = {name: status for name, (_, status) in contents.items()}
    expected |= dict.fromkeys(("folder.jpg", "link.jpg", "missing.jpg"), "unreadable")
    with (root / "labels.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"\n{name},fear" for name in expected)
    return expected


DAMAGED = (
    *CSV,
    ("validation_fraction: 0.1 ", "validation_fraction: 0.3 "),
    TWO_WORKERS,
)


def test_every_damaged_photo_has_a_row(run, write_params, damaged, tmp_path):
    write_params(*DAMAGED)
    for stage in ("ingest", "detect", "landmarks", "heatmaps"):
        assert run(stage).exit_code == 0
    with (tmp_path / "data" / "detections.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert {name: rows[name]["status"] for name in damaged} == damaged
    assert all("\n" not in row["reason"] and bool(row["reason"]) == (row["status"] != "ok") for row in rows.values())
    faces = ShardSet(tmp_path / "data" / "faces", "faces")
    statuses = dict(zip(faces.column("id").tolist(), faces.column("status").tolist(), strict=True))
    assert {name: statuses[name] for name in damaged} == damaged
    assert run("verify").exit_code == 0


def test_too_many_failures_stop_a_stage(run, write_params, damaged, tmp_path):
    write_params(*DAMAGED, ("max_failed_fraction: 0.5", "max_failed_fraction: 0.3"))
    run("ingest")
    result = run("detect")
    assert result.exit_code == 1
    message = (
        "8 of 22 photos failed (1 no_face, 1 too_large, 6 unreadable), more than ingest.max_failed_fraction allows (0.3)"
    )
    assert message in result.stderr.splitlines()[-1]
    assert "data/detections.csv says why" in result.stderr
    assert "No such file or directory" in (tmp_path / "data" / "detections.csv").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "--manifest", "mine"],
        ["detect", "--out", "mine", "--metrics", "counts.json"],
        ["detect", "--metrics", "mine"],
        ["landmarks", "--metrics", "mine"],
        ["codebook", "meaning", "facs", "--out", "mine"],
        ["codebook", "draw", "facs", "--out", "mine.png"],
        ["bench", "train", "--out", "mine"],
        ["bench", "preprocess", "--out", "mine"],
    ],
)
@pytest.mark.parametrize(
    "content", [b"image,label\n1.jpg,fear\n", cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()]
)
def test_a_file_of_the_user_that_is_named_as_output_is_not_replaced(
    run, write_params, dataset, arguments, content, tmp_path, table
):
    table()
    write_params(*CSV, ("validation_fraction: 0.1 ", "validation_fraction: 0.3 "), ONE_WORKER)
    path = tmp_path / arguments[-1] if arguments[0] == "codebook" else tmp_path / "mine"
    if arguments[0] in ("detect", "landmarks"):
        arguments = [*arguments, "--manifest", dataset.manifest]
    if arguments[0] == "landmarks":
        arguments = [*arguments, "--detections", dataset.detections]
    path.write_bytes(content)
    fails_last(run(*arguments), f"{path.name} is not a file that this command writes, and would be lost: move it")
    assert path.read_bytes() == content


@pytest.mark.parametrize("arguments", [["landmarks"], ["heatmaps"]])
def test_a_folder_of_photos_that_is_named_as_output_is_refused(run, write_params, dataset, arguments, tmp_path):
    write_params()
    (tmp_path / "mine").mkdir()
    for number in range(3):
        (tmp_path / "mine" / f"{number:05d}.jpg").write_bytes(b"photo")
    given = {
        "landmarks": ["--manifest", dataset.manifest, "--detections", dataset.detections],
        "heatmaps": ["--faces", dataset.faces],
    }
    fails_last(run(*arguments, *given[arguments[0]], "--out", "mine"), "mine holds other files, not ")
    assert len(list((tmp_path / "mine").iterdir())) == 3


def test_pruning_the_cache(run, write_params, dataset, tmp_path):
    write_params()
    run("heatmaps", "--faces", dataset.faces)
    assert "removed 0 rows and shards" in run("cache", "prune").output
    assert "removed 3 rows and shards" in run("cache", "prune", "--unused-for", "0").output
    assert list((tmp_path / "data" / ".cache").rglob("*.h5")) == []
    assert run("verify").exit_code == 0


def test_the_command_starts_without_opencv_numpy_and_torch():
    script = "import sys, pipeline.cli; print(sorted({'cv2', 'numpy', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_render_is_found_in_the_room_of_heatmaps():
    from pipeline.codebook.rendering.renderer import render
    from pipeline.heatmaps import render as found

    assert found is render
