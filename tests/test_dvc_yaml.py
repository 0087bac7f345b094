"""dvc.yaml, read as text: does each stage depend on just the rooms of code that decide its output?"""

import ast
import importlib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.runtime.commands import paths
from train import VARIANTS

REPOSITORY = Path(__file__).parents[1]
PROJECT = YAML(typ="safe").load(REPOSITORY / "dvc.yaml")
# How the stages run; parameters and the codebook's file are tracked by value, and tests pin the fixed forms of outputs.
NO_ROOM = ("pipeline/runtime", "pipeline/__init__.py", "train/__init__.py")
MOST = 6  # code dependencies of a stage


def package_of(stage: str) -> str:
    rooms = {"train": "train.loop", "evaluate": "train.evaluate", "report": "train.report"}
    return rooms.get(stage, f"pipeline.{stage}")


def file_of(module: str) -> Path | None:
    path = REPOSITORY / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(file: Path) -> set[Path]:
    """The files of this project that a file imports, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    # Importing a module runs the packages around it.
    names |= {name.rsplit(".", count)[0] for name in names for count in range(1, name.count(".") + 1)}
    return {file_of(name) for name in names if name.split(".")[0] in ("pipeline", "train")} - {None}


def room_of(file: Path) -> str:
    """The folder in pipeline/ or train/ that a file is in, or the file if it is in none."""
    return "/".join(file.relative_to(REPOSITORY).parts[:2])


def rooms_of(stage: str) -> set[str]:
    """The rooms of all that a stage's module imports, directly or not."""
    seen, waiting = set(), {file_of(f"{package_of(stage)}.stage")}
    if stage == "ingest":  # imports its adapters by name
        waiting |= set((REPOSITORY / "pipeline/ingest/datasets").rglob("*.py"))
    while waiting:
        file = waiting.pop()
        seen.add(file)
        waiting |= imported(file) - seen
    return {room_of(file) for file in seen} - set(NO_ROOM)


def output_options(stage: dict) -> dict[str, dict]:
    """The options of each output and metric of a stage."""
    listed = (*stage.get("outs", ()), *stage.get("metrics", ()))
    outs = (out if isinstance(out, dict) else {out: {}} for out in listed)
    return {path: options for out in outs for path, options in out.items()}


@pytest.mark.parametrize("stage", PROJECT["stages"])
def test_dvc_removes_no_output_that_its_stage_replaces(stage):
    """DVC would remove whatever is there. A training and its evaluation come from its run cache, which persist excludes."""
    expected = {} if stage in ("train", "evaluate") else {"persist": True}
    assert all(options == expected for options in output_options(PROJECT["stages"][stage]).values())


@pytest.mark.parametrize("stage", PROJECT["stages"])
def test_stage_depends_on_the_rooms_it_imports(stage):
    """DVC, the cache of finished work and the resume key ask the same question of the same folders."""
    rooms = importlib.import_module(f"{package_of(stage)}.stage").ROOMS
    code = [path for path in PROJECT["stages"][stage]["deps"] if not path.startswith(("data/", "${"))]
    assert set(rooms) == rooms_of(stage)
    assert sorted(code) == sorted(rooms)
    assert len(code) <= MOST


def test_no_comment_elsewhere_makes_work_stale():
    """Rooms that a person edits most must not discard what took hours: reports a training, ingest the detections."""
    assert "train/report" not in rooms_of("train") | rooms_of("evaluate")
    assert "pipeline/ingest" not in rooms_of("detect") | rooms_of("landmarks")


@pytest.mark.parametrize("stage", PROJECT["stages"])
def test_dependencies_exist(stage):
    for path in PROJECT["stages"][stage]["deps"]:
        assert path.startswith(("data/", "${")) or (REPOSITORY / path).exists(), path


def test_variants_are_the_trainers():
    (variants,) = PROJECT["vars"]
    assert tuple(variants["variants"]) == VARIANTS


def test_commands_by_hand_find_what_dvc_wrote():
    """The defaults of the commands' options are the paths of dvc.yaml."""
    written = {path for stage in PROJECT["stages"].values() for path in (*output_options(stage), *stage["deps"])}
    for path in (paths.PHOTOS, paths.MANIFEST, paths.DETECTIONS, paths.FACES, paths.HEATMAPS, paths.REPORT, paths.TRAIN):
        assert path in written, path
    assert paths.EVALUATION in written


def test_arrows_go_down_only():
    """A shared room imports no stage, and no stage imports another's inside."""
    shared = {
        "pipeline": ["runtime", "shards", "faces", "codebook"],
        "train": ["data", "models", "attribution"],
    }
    below = {"data": 0, "models": 1, "attribution": 2, "runtime": 0, "shards": 1, "faces": 1, "codebook": 2}
    for package, rooms in shared.items():
        for room in rooms:
            for file in (REPOSITORY / package / room).rglob("*.py"):
                if file.name == "cli.py":  # wiring
                    continue
                others = {room_of(target) for target in imported(file)} - set(NO_ROOM) - {f"{package}/{room}"}
                names = {other.split("/")[1] for other in others if other.startswith(f"{package}/")}
                assert names <= {name for name in rooms if below[name] < below[room]}, (file, names)
