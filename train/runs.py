"""Evaluated runs: found on disk, and grouped by what they were trained with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from train.results import read_json

SWEPT = ("method", "layers", "lambda", "cam_lambda", "align")  # what runs of one table may differ in


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

    folder: Path
    setting: Setting
    seed: int
    metrics: dict
    trained: dict  # as train.model.Config has it


def find(folders: Iterable[Path]) -> list[Run]:
    """Every folder under these, themselves included, that holds an evaluation. Raises InputError if there is none, or one
    cannot be read."""
    folders = list(folders)
    found = sorted({path.parent.resolve() for folder in folders for path in folder.rglob("details.json")})
    runs = [_read(folder) for folder in found if (folder / "metrics.json").is_file()]
    if not runs:
        where = " or ".join(map(str, folders))
        raise InputError(f"there is no evaluated run under {where}: run `aucue evaluate`, or name a folder with --runs")
    return runs


def _read(folder: Path) -> Run:
    try:
        metrics, details = (read_json(folder / name) for name in ("metrics.json", "details.json"))
        trained = details["trained"]
        return Run(folder, setting_of(trained["train"]), trained["seed"], metrics, trained)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} cannot be read ({error!r}): run `aucue evaluate` again") from error


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
            notes.append(f"{run.folder} is left out: {first.folder} has the same setting and seed, and other figures")
    found = {setting: [groups[setting][seed] for seed in sorted(groups[setting])] for setting in sorted(groups)}
    return found, notes + _differences(runs) + _alone(found)


def _differences(runs: Sequence[Run]) -> list[str]:
    others = [{name: value for name, value in run.trained["train"].items() if name not in SWEPT} for run in runs]
    names = sorted({name for other in others for name in other if other.get(name) != others[0].get(name)})
    first = {run.seed: run.trained for run in reversed(runs)}  # another seed may split the faces otherwise
    names += [name for name in ("faces", "heatmaps") if any(run.trained[name] != first[run.seed][name] for run in runs)]
    return [f"the runs differ in more than is shown: {', '.join(names)}"] if names else []


def _alone(groups: dict[Setting, list[Run]]) -> list[str]:
    notes = []
    for method in sorted({setting.method for setting in groups}):
        kinds = {setting.guided for setting in groups if setting.method == method}
        if kinds == {True}:
            notes.append(f"{method} has no run without guidance (`aucue train --variant baseline`)")
        elif kinds == {False}:
            notes.append(f"{method} has no guided run (`aucue train --variant guided`)")
    return notes
