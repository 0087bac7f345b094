import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.bench import check, floors
from pipeline.bench import heatmaps as benchmark
from pipeline.cli import aucue
from pipeline.runtime.errors import InputError

ROOT = Path(__file__).parents[3]
FLOORS = ROOT / "pipeline" / "bench" / "floors.yaml"

A_FLOOR = """
reading:
  file: read.json
  command: aucue bench read
  floors:
    - {figure: jpeg/-1/rate, reason: slower, """


def write_floors(folder, rule, content=None):
    (folder / "floors.yaml").write_text(A_FLOOR + rule + "}\n")
    (folder / "read.json").write_text(json.dumps({"jpeg": [{"rate": 4}, {"rate": 3}]} if content is None else content))
    return folder / "floors.yaml"


def run(folder, *arguments):
    return CliRunner().invoke(aucue, ["bench", "check", "--data", folder, "--floors", folder / "floors.yaml", *arguments])


@pytest.mark.parametrize(
    ("rule", "is_kept"),
    [
        ("at_least: 3, measured: 9", True),
        ("at_least: 3.1, measured: 9", False),
        ("at_most: 3, measured: 9", True),
        ("at_most: 2.9, measured: 9", False),
        ("over: jpeg/0/rate, at_least: 0.75, measured: 9", True),
        ("over: jpeg/0/rate, at_most: 0.74, measured: 9", False),
        ("equal: '3.02', within: 0.03", True),
        ("equal: '3.04', within: 0.03", False),
    ],
)
def test_a_floor_is_kept_or_broken(tmp_path, rule, is_kept):
    broken = check.main(tmp_path, [], write_floors(tmp_path, rule), None)
    assert [finding.source for finding in broken] == ([] if is_kept else ["reading"])


def test_a_figure_must_be_equal_on_the_processor_that_it_was_measured_on(tmp_path):
    path = write_floors(tmp_path, "equal: '3.02', within: 0.03")
    assert not check.main(tmp_path, [], path, None)
    path.write_text(path.read_text().replace("command:", f"processor: {floors.this_processor()!r}\n  command:"))
    assert check.main(tmp_path, [], path, None)
    path.write_text(path.read_text().replace("3.02", "3.00"))
    assert not check.main(tmp_path, [], path, None)


def test_the_command_fails_by_name_and_writes_the_table(tmp_path):
    write_floors(tmp_path, "at_least: 3.5, measured: 3.9")
    page = tmp_path / "page.md"
    page.write_text("before\n")
    result = run(tmp_path, "--summary", page)
    assert result.exit_code == 1
    assert "BROKEN  reading: jpeg/-1/rate is 3, at least 3.5" in result.output
    assert "1 broken: reading: jpeg/-1/rate (slower)" in result.output
    assert page.read_text().startswith("before\n")
    assert "| BROKEN | reading | jpeg/-1/rate | 3 | at least 3.5 | 3.9 | slower |" in page.read_text()
    write_floors(tmp_path, "at_least: 3, measured: 3.9")
    assert run(tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("rule", "content", "message"),
    [
        ("at_least: 3, measured: 9", {"jpeg": []}, "has no figure jpeg/-1/rate: run `aucue bench read` again"),
        ("at_least: 3, measured: 9", {"jpeg": [{"rate": "3"}]}, "has no figure jpeg/-1/rate"),
        ("over: raw, at_least: 3, measured: 9", {"jpeg": [{"rate": 3}], "raw": 0}, "has no figure jpeg/-1/rate over raw"),
        ("at_least: 3", None, "measured beside at_least"),
        ("measured: 3", None, "must have one of at_least, at_most and equal"),
        ("at_least: 3, at_most: 4, measured: 3", None, "must have one of"),
        ("atleast: 3, measured: 3", None, "atleast"),
    ],
)
def test_mistakes_are_named(tmp_path, rule, content, message):
    with pytest.raises(InputError, match=message):
        check.main(tmp_path, [], write_floors(tmp_path, rule, content), None)


def test_missing_files_and_names(tmp_path):
    write_floors(tmp_path, "at_least: 3, measured: 9")
    assert "has no floors for raeding: give reading" in run(tmp_path, "raeding").output
    (tmp_path / "read.json").write_text("{")
    assert "is no JSON: delete it and run `aucue bench read` again" in run(tmp_path).output
    (tmp_path / "read.json").unlink()
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "read.json is missing: run `aucue bench read`" in result.output
    (tmp_path / "floors.yaml").unlink()
    assert "floors.yaml: run in the repository's folder, or give --floors" in run(tmp_path).output


def test_the_floors_of_the_repository_are_sound():
    for source in floors.load(FLOORS).values():
        assert source.floors
        for floor in source.floors:
            if floor.measured is not None:  # the figure that a floor was set from keeps it
                assert floor.is_kept(floor.measured, same_processor=False), floor.name


def test_a_sleep_in_the_renderer_breaks_its_floor(tmp_path, monkeypatch):
    render = benchmark.render

    def sleepy(faces, *rest):
        time.sleep(5e-4 * len(faces))  # as long as the slow renderer takes, whatever else the machine does
        return render(faces, *rest)

    monkeypatch.setattr(benchmark, "render", sleepy)
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    monkeypatch.setattr(benchmark, "FAST_FACES", 2000)
    slow = benchmark.load_module(ROOT / "tests" / "pipeline" / "codebook" / "slow_heatmaps.py")
    figures = {"kernel": benchmark.time_renderers(benchmark.codebooks.load(benchmark.CODEBOOK), slow)}
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "heatmaps.json").write_text(json.dumps(figures))
    source = floors.load(FLOORS)["heatmaps"]
    speed = tuple(floor for floor in source.floors if floor.figure == "kernel/times_faster")
    (finding,) = check.compare(tmp_path, "heatmaps", source.model_copy(update={"floors": speed}))
    assert not finding.is_kept
