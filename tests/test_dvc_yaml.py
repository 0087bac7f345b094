"""dvc.yaml, read as text: does it name the code that each stage runs, and what the commands default to?"""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from train import VARIANTS

REPOSITORY = Path(__file__).parents[1]
PROJECT = YAML(typ="safe").load(REPOSITORY / "dvc.yaml")
# A change to these changes no output, or (params, codebook's file) is tracked by value.
NO_DEPENDENCY = {
    "pipeline/__init__.py",
    "pipeline/cache.py",
    "pipeline/errors.py",
    "pipeline/executors.py",
    "pipeline/files.py",
    "pipeline/params.py",
    "pipeline/progress.py",
    "pipeline/statuses.py",
    "pipeline/tables.py",
    "pipeline/workers.py",
    "train/__init__.py",
}


def file_of(module: str) -> Path | None:
    path = REPOSITORY / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(file: Path) -> set[Path]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {file_of(name) for name in names if name.split(".")[0] in ("pipeline", "train")}
    return files - {None}


def closure(files: set[Path]) -> set[str]:
    seen, waiting = set(), set(files)
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting |= imported(file)
    return {file.relative_to(REPOSITORY).as_posix() for file in seen}


@pytest.mark.parametrize("stage", PROJECT["stages"])
def test_stage_depends_on_the_code_it_runs(stage):
    package = "train" if stage in ("train", "evaluate", "report") else "pipeline"
    files = {file_of(f"{package}.{stage}")}
    if stage == "ingest":
        files |= set((REPOSITORY / "pipeline" / "datasets").rglob("*.py"))
    dependencies = PROJECT["stages"][stage]["deps"]
    missing = {
        file
        for file in closure(files) - NO_DEPENDENCY
        if not any(file == path or file.startswith(f"{path}/") for path in dependencies)
    }
    assert missing == set()


@pytest.mark.parametrize("stage", PROJECT["stages"])
def test_dependencies_exist(stage):
    for path in PROJECT["stages"][stage]["deps"]:
        assert path.startswith(("data/", "${")) or (REPOSITORY / path).exists(), path


def test_variants_are_the_trainers():
    (variants,) = PROJECT["vars"]
    assert tuple(variants["variants"]) == VARIANTS
