"""Evaluated runs: found in folders and in DVC's experiments, and grouped by what they were trained with."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError

FILES = ("metrics.json", "details.json")
SWEPT = ("method", "layers", "lambda", "cam_lambda", "align")  # what runs of one table may differ in

OF_THE_SPLIT = ("manifest_sha256", "detections_sha256", "faces_sha256")  # of the stamps in shards: other with every seed


class Setting(NamedTuple):
    """What makes runs comparable; all are alike but for their seeds. Without guidance the rest says nothing."""

    method: str
    align: tuple[str, ...] = ()  # attention, cam, both, or neither
    layers: tuple[int, ...] = ()  # whose attention is guided
    weight: float = 0.0  # lambda, of the attention's alignment
    cam_weight: float = 0.0

    @property
    def guided(self) -> bool:
        """Whether heatmaps had any part in the training."""
        return bool(self.align)


@dataclass(frozen=True)
class Run:
    """One evaluation."""

    place: str  # folder, or experiment and folder
    setting: Setting
    seed: int
    metrics: dict
    trained: dict  # as train.model.Config has it


def find(folders: Iterable[Path], in_experiments: bool = False) -> list[Run]:
    """Every folder under these, themselves included, that holds an evaluation, and on request those of DVC's experiments.
    Raises InputError if there is none, or one cannot be read."""
    folders = list(folders)
    found = sorted({path.parent.resolve() for folder in folders for path in folder.rglob("details.json")})
    whole = [folder for folder in found if (folder / "metrics.json").is_file()]
    runs = [_read(str(folder), *((folder / name).read_bytes() for name in FILES)) for folder in whole]
    if in_experiments:
        from train import experiments  # DVC takes a second to import

        runs += [_read(*evaluation) for evaluation in experiments.evaluations()]
    if not runs:
        places = [f"under {folder}" for folder in folders] + ["in DVC's experiments"] * in_experiments
        where = " or ".join(places)
        raise InputError(f"there is no evaluated run {where}: run `aucue evaluate`, or name a folder with --runs")
    return runs


def _read(place: str, metrics: str | bytes, details: str | bytes) -> Run:
    try:
        trained = json.loads(details)["trained"]
        return Run(place, setting_of(trained["train"]), trained["seed"], {**json.loads(metrics)}, trained)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place} cannot be read ({error!r}): run `aucue evaluate` again") from error


def setting_of(params: dict) -> Setting:
    """Of a params block as it is stored beside the weights. A weight of 0 guides nothing."""
    weights = {"attention": params["lambda"], "cam": params["cam_lambda"]}
    align = tuple(sorted(name for name in params["align"] if weights[name] > 0))
    layers = tuple(sorted(params["layers"])) if "attention" in align else ()
    used = [weights[name] if name in align else 0.0 for name in ("attention", "cam")]
    return Setting(params["method"], align, layers, *used)


def grouped(runs: Sequence[Run]) -> tuple[dict[Setting, list[Run]], list[str]]:
    """Runs by setting, one per seed, in the order of settings; and sentences about what keeps them from being comparable."""
    groups: dict[Setting, dict[int, Run]] = {}
    notes = []
    for run in runs:
        first = groups.setdefault(run.setting, {}).setdefault(run.seed, run)
        if first.metrics != run.metrics:
            notes.append(f"{run.place} is left out: {first.place} has the same setting and seed, and other figures")
    found = {setting: [groups[setting][seed] for seed in sorted(groups[setting])] for setting in sorted(groups)}
    return found, notes + _differences(runs) + _alone(found)


def _differences(runs: Sequence[Run]) -> list[str]:
    """What is not alike in all runs. Another seed may split the faces otherwise; the digests of those files are to be
    alike for each seed alone."""
    first = {run.seed: run.trained for run in reversed(runs)}
    names = set()
    for run in runs:
        train, start = run.trained["train"], runs[0].trained["train"]
        names |= {name for name in train.keys() | start.keys() if name not in SWEPT and train.get(name) != start.get(name)}
        for block in ("faces", "heatmaps"):
            stamp, of_seed, start = run.trained[block], first[run.seed][block], runs[0].trained[block]
            for name in stamp.keys() | start.keys():
                if stamp.get(name) != (of_seed if name in OF_THE_SPLIT else start).get(name):
                    names.add(f"{block}.{name}")
    return [f"the runs differ in more than is shown: {', '.join(sorted(names))}"] if names else []


def _alone(groups: dict[Setting, list[Run]]) -> list[str]:
    notes = []
    for method in sorted({setting.method for setting in groups}):
        kinds = {setting.guided for setting in groups if setting.method == method}
        if kinds == {True}:
            notes.append(f"{method} has no run without guidance (`aucue train --variant baseline`)")
        elif kinds == {False}:
            notes.append(f"{method} has no guided run (`aucue train --variant guided`)")
    return notes
