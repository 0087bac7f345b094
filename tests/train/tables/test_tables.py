import csv
from dataclasses import replace

import cv2
import pytest
from click.testing import CliRunner

from pipeline.cli import aucue
from pipeline.runtime.errors import InputError
from train.tables import published, tables
from train.tables.evaluated_runs import EvaluatedRun, RunConfig

WITHOUT = RunConfig("cam")
FIVE = RunConfig("cam", ("attention",), (5,), 6.0)
BOTH = RunConfig("cam", ("attention",), (4, 5), 6.0)
STRONGER = RunConfig("cam", ("attention",), (5,), 9.0)
MAPS_ALONE = RunConfig("cam", ("cam",), (), 0.0, 1.0)
TRAINED = {"train": {}, "faces": {}, "heatmaps": {}}
MAPLESS = RunConfig("apvit", ("attention",), (5,), 6.0)


def run(tmp_path, config, seed, accuracy, cosine):
    names = ("att_cos", "cam_cos", "gradcam_cos", "gradcam_pp_cos", "layercam_cos")
    metrics = {"accuracy": accuracy, **{name: cosine + 0.01 * i for i, name in enumerate(names)}}
    if config.method == "apvit":
        metrics["cam_cos"] = None
    return EvaluatedRun(tmp_path / f"{seed}", config, seed, metrics, {})


@pytest.fixture
def groups(tmp_path):
    return {
        MAPLESS: [run(tmp_path, MAPLESS, 0, 0.9, 0.8)],
        WITHOUT: [run(tmp_path, WITHOUT, 0, 0.8, 0.5), run(tmp_path, WITHOUT, 1, 0.82, 0.6)],
        BOTH: [run(tmp_path, BOTH, 0, 0.7, 0.6)],
        FIVE: [run(tmp_path, FIVE, 0, 0.81, 0.7)],
        STRONGER: [run(tmp_path, STRONGER, 0, 0.79, 0.8)],
    }


def cells(table, *beginning):
    return next(list(row) for row in table.rows if tuple(row[: len(beginning)]) == beginning)


def test_methods_are_without_and_with(groups):
    table = tables.methods(groups, {})
    assert cells(table, "CAM", "layers 5, lambda 6")[2:] == ["80.00 → 81.00", "0.51 → 0.71"]
    assert cells(table, "LayerCAM", "layers 5, lambda 9")[3] == "0.54 → 0.84"
    assert cells(table, "APViT")[2:] == ["– → 90.00", "– → –"]
    assert len(table.rows) == 3 * 4 + 1


def test_decisions_are_without_and_with(groups):
    """With three decimals, since a change of needed is small; runs of an earlier version have no figure."""
    for config, needed in ((WITHOUT, 0.0744), (FIVE, 0.0756)):
        figures = {"needed": needed, "enough": 0.98, "leak": None}
        groups[config] = [replace(each, metrics=each.metrics | figures) for each in groups[config]]
    table = tables.decisions(groups)
    assert table.header == ["method", "guided", "needed", "enough", "leak"]
    assert cells(table, "CAM", "layers 5, lambda 6")[2:] == ["0.074 → 0.076", "0.980 → 0.980", "– → –"]
    assert cells(table, "APViT")[2:] == ["– → –"] * 3


def test_only_the_seeds_that_both_have_are_compared(groups, tmp_path):
    def compared(*seeds):
        groups[FIVE] = [run(tmp_path, FIVE, seed, 0.6 + 0.1 * seed, 0.7) for seed in seeds]
        return cells(tables.methods(groups, {}), "CAM", "layers 5, lambda 6")[2]

    assert compared(1) == "82.00 → 70.00"
    assert compared(0, 1) == "81.00 [80.00, 82.00] → 65.00 [60.00, 70.00]"
    assert compared(1, 2) == "82.00 → 70.00"
    assert compared(2) == "– → 80.00"


def test_what_is_not_alike_is_said(groups, tmp_path):
    runs = [*groups[WITHOUT], *groups[FIVE]]
    _, notes = tables.main(runs=[replace(run, trained=TRAINED) for run in runs], out_dir=tmp_path, dataset="rafdb")
    assert notes == ["not all settings have the same seeds: without → with compares those that both have"]
    apart = [replace(run, trained=TRAINED, dataset=f"{run.seed}") for run in runs]
    text, notes = tables.main(runs=apart, out_dir=tmp_path, dataset="rafdb")
    assert "published" not in text
    assert "published figures are left out: not all runs are of one dataset, rafdb" in notes


def test_a_method_that_is_not_guided_has_a_row_too(groups):
    table = tables.attention({WITHOUT: groups[WITHOUT]}, {})
    assert table.rows == [["CAM", "–", "0.55 [0.50, 0.60] → –"]]


def test_settings_that_differ_otherwise_have_their_own_counterpart(groups, tmp_path):
    longer = [config._replace(otherwise="epochs 9") for config in (WITHOUT, FIVE)]
    apart = {config._replace(otherwise="epochs 3"): runs for config, runs in groups.items()}
    apart |= {config: [run(tmp_path, config, 0, 0.1, 0.1)] for config in longer}
    for table in (tables.methods(apart, {}), tables.layers(apart, {})):
        assert table.header[-1] == "otherwise"
        assert all(len(row) == len(table.header) for row in table.rows)
        assert {row[-1] for row in table.rows} == {"epochs 3", "epochs 9"}
    table = tables.attention(apart, {})
    changes = {(row[1], row[-1]): row[2] for row in table.rows if row[0] == "CAM"}
    assert changes["layers 5, lambda 6", "epochs 9"] == "0.10 → 0.10"
    assert changes["layers 5, lambda 6", "epochs 3"] == "0.50 → 0.70"


def test_published_figures_stand_beside_what_the_paper_guides(groups, tmp_path):
    table = tables.methods(groups, published.read_published("rafdb"))
    assert cells(table, "CAM", "layers 5, lambda 6")[-2:] == ["88.20 → 88.95", "0.55 → 0.70"]
    assert cells(table, "CAM", "layers 4+5, lambda 6")[-2:] == ["– → –", "– → –"]
    other = tables.methods({MAPS_ALONE: [run(tmp_path, MAPS_ALONE, 0, 0.8, 0.7)]}, published.read_published("rafdb"))
    assert cells(other, "CAM")[-2:] == ["– → –", "– → –"]


def test_layers_and_their_published_figures(groups):
    table = tables.layers(groups, published.read_published("rafdb"))
    assert cells(table, "CAM", "none") == ["CAM", "none", "0", "81.00 [80.00, 82.00]", "0.56 [0.51, 0.61]", "88.20", "0.55"]
    assert cells(table, "CAM", "4+5") == ["CAM", "4+5", "6", "70.00", "0.61", "88.78", "0.67"]
    assert cells(table, "APViT", "5")[-2:] == ["–", "–"]


def test_all_formats_hold_the_same_cells(groups):
    table = tables.methods(groups, published.read_published("rafdb"))
    markdown, latex = table.markdown(), table.latex()
    assert markdown.count("\n|") == len(table.rows) + 2
    assert latex.count(r"\\") == len(table.rows) + 1
    assert "→" not in latex
    assert "CL %" not in latex
    assert r"CL \%" in latex
    assert "88.20 → 88.95" in markdown
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()[2:]]
    assert [lines[0], *lines[2:]] == [table.header, *table.rows]


def test_command_makes_every_file_of_evaluated_runs(evaluated, tmp_path):
    arguments = ["tables", "--runs", str(evaluated / "evaluation"), "--out", str(tmp_path), "--dataset", "rafdb"]
    result = CliRunner().invoke(aucue, arguments)
    assert result.exit_code == 0
    text, _, notes = (tmp_path / "tables.md").read_text().partition("\n- ")
    assert text in result.output
    assert notes in result.output
    assert notes.startswith("the table of layers leaves out")
    assert "published" in result.output
    with (tmp_path / "runs.csv").open(newline="") as stream:
        runs = list(csv.DictReader(stream))
    assert [(run["align"], run["layers"]) for run in runs] == [("none", "none"), ("attention+cam", "5")]
    assert (tmp_path / "tables.tex").read_text().count(r"\begin{table}") == 4
    for name in ("methods.csv", "attention.csv", "layers.csv", "decisions.csv", "lambda.csv"):
        assert (tmp_path / name).read_text().count("\n") >= 2
    assert cv2.imread(str(tmp_path / "lambda.png")).shape[1] > 1000


def test_counterpart_that_is_missing_is_one_line(evaluated, tmp_path, params_path):
    arguments = ["tables", "--runs", str(evaluated / "evaluation" / "guided"), "--out", str(tmp_path)]
    result = CliRunner().invoke(aucue, [*arguments, "--params", str(params_path)])
    assert result.exit_code == 0
    assert "WARNING: cam has no run without guidance (`aucue train --variant baseline`)" in result.output
    assert "published" not in result.output  # the demo's figures are nowhere


@pytest.mark.parametrize("name", ["tables.md", "tables.tex", "runs.csv", "lambda.csv", "lambda.png"])
def test_a_file_of_somebody_else_is_not_replaced(groups, tmp_path, name):
    runs = [replace(run, trained=TRAINED) for members in groups.values() for run in members]
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        tables.main(runs=runs, out_dir=tmp_path)
    (tmp_path / name).write_text("somebody's")
    with pytest.raises(InputError, match=f"{name} is not a file that this command writes, and would be lost"):
        tables.main(runs=runs, out_dir=tmp_path)
    assert (tmp_path / name).read_text() == "somebody's"
    assert (tmp_path / "notes.txt").exists()
