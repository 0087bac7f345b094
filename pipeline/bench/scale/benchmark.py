"""The benchmark itself: build the datasets, measure every command with each of them, and compare."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.bench.measurement import print_figures
from pipeline.bench.scale.dataset import write_dataset
from pipeline.bench.scale.growth import Cost, broken_limits
from pipeline.bench.scale.measuring import Measured, measure_command
from pipeline.bench.scale.source_faces import read_source_faces
from pipeline.bench.scale.steps import STEPS, Step
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.parameters import Params

START_ROWS = 200  # of the small dataset, whose cost is that of the start of a command

Results = dict[str, list[dict[str, float]]]  # name of a command or of its part -> its figures with each dataset


def main(
    params: Params,
    faces_dir: Path,
    sizes: Sequence[int],
    out: Path,
    most: float,
    most_megabytes: float,
    until: str | None = None,
) -> Results:
    """Measure every command with datasets of several sizes, print the figures and write them as JSON.

    Args:
        params: The parameters of all stages (see ``dataset.scaled_params`` for those that are changed).
        faces_dir: Folder of face shards, whose crops are repeated.
        sizes: Numbers of rows. Each is compared with the smallest whose cost can be told from chance.
        out: JSON file to write. The datasets are built beside it, and removed.
        most: Largest ratio of the cost of a face to its cost in a smaller dataset.
        most_megabytes: Largest peak memory of a command.
        until: Name of the last step; None for all of them.

    Returns:
        The figures that were written.

    Raises:
        InputError: If a command fails, or a ratio or the peak memory of a command is larger. The figures are written.
    """
    refuse_foreign(out, json_with("commands"))
    if min(sizes) < 2 * START_ROWS:
        raise InputError(f"--rows is {min(sizes)}: give {2 * START_ROWS} or more")
    steps = _steps(until)
    sources, sizes = read_source_faces(faces_dir), sorted(set(sizes))
    results: Results = {}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        start = Path(name) / "start"
        folders = {rows: Path(name) / f"{rows}" for rows in sizes}
        for folder, rows in {start: START_ROWS, **{folder: rows for rows, folder in folders.items()}}.items():
            write_dataset(folder, rows, sources, params)
        for step in steps:
            costs: dict[str, list[Cost]] = {}
            step.prepare(start, sources)
            for rows, folder in folders.items():
                step.prepare(folder, sources)
                for part, cost in _costs(step, rows, measure_command(step.command, start, folder)).items():
                    print_figures(part, cost.beside(costs.setdefault(part, [])))
                    costs[part].append(cost)
            results |= {part: [cost.beside(its[:index]) for index, cost in enumerate(its)] for part, its in costs.items()}
            write_text(out, json.dumps({"commands": results}, indent=1) + "\n")
    problems = [problem for name, its in results.items() for problem in broken_limits(name, its, most, most_megabytes)]
    if problems:
        raise InputError("; ".join(problems))
    return results


def _steps(until: str | None) -> Sequence[Step]:
    names = [step.name for step in STEPS]
    if until is None:
        return STEPS
    if until not in names:
        raise InputError(f"--until is {until!r}: give one of {', '.join(names)}")
    return STEPS[: names.index(until) + 1]


def _costs(step: Step, rows: int, measured: Measured) -> dict[str, Cost]:
    """The cost of each part of a step; of the whole step, if it has no parts."""
    memory = measured.peak_bytes, measured.peak_bytes - measured.start_bytes
    pairs = zip(step.parts or (step.name,), measured.seconds, strict=True)
    return {part: Cost(rows, rows - START_ROWS, seconds, *memory, measured.silence) for part, seconds in pairs}
