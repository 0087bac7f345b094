"""Evaluated runs: found in folders and in DVC's experiments, and grouped by what they were trained with."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pipeline.runtime.cache import json_digest
from pipeline.runtime.errors import InputError
from train import WITHOUT_EFFECT

FILES = ("metrics.json", "details.json")
SWEPT = ("method", "layers", "lambda", "cam_lambda", "align")  # what the tables are about
DETECTIONS = "detections_sha256"
OF_THE_SPLIT = ("manifest_sha256", DETECTIONS, "faces_sha256")  # of the stamps in shards: other with every seed
SHOWN = 6  # digits of a digest


class RunConfig(NamedTuple):
    """What makes runs comparable; all are alike but for their seeds. Without guidance its layers and weights say nothing."""

    method: str
    align: tuple[str, ...] = ()  # attention, cam, both, or neither
    layers: tuple[int, ...] = ()  # whose attention is guided
    weight: float = 0.0  # lambda, of the attention's alignment
    cam_weight: float = 0.0
    otherwise: str = ""  # all else that not every run has alike: "epochs 4, codebook mine 3f2a91"

    @property
    def guided(self) -> bool:
        """Whether heatmaps had any part in the training."""
        return bool(self.align)

    @property
    def unguided(self) -> "RunConfig":
        """The same without guidance."""
        return RunConfig(self.method, otherwise=self.otherwise)


@dataclass(frozen=True)
class EvaluatedRun:
    """One evaluation."""

    place: str  # folder, or experiment and folder
    setting: RunConfig
    seed: int
    metrics: dict
    trained: dict  # as train.model.Config has it
    dataset: str = ""  # number of photos and digest, whatever their splits
    splits: str = ""  # digest of theirs


def find(folders: Iterable[Path], in_experiments: bool = False) -> list[EvaluatedRun]:
    """Every folder under these, themselves included, that holds an evaluation, and on request those of DVC's experiments.
    Raises InputError if there is none, or one cannot be read."""
    folders = list(folders)
    found = sorted({path.parent.resolve() for folder in folders for path in folder.rglob("details.json")})
    whole = [folder for folder in found if (folder / "metrics.json").is_file()]
    runs = [_read(str(folder), *((folder / name).read_bytes() for name in FILES)) for folder in whole]
    if in_experiments:
        from train.tables import experiments  # DVC takes a second to import

        runs += [_read(*evaluation) for evaluation in experiments.evaluations()]
    if not runs:
        places = [f"under {folder}" for folder in folders] + ["in DVC's experiments"] * in_experiments
        where = " or ".join(places)
        raise InputError(f"there is no evaluated run {where}: run `aucue evaluate`, or name a folder with --runs")
    return runs


def _read(place: str, metrics: str | bytes, details: str | bytes) -> EvaluatedRun:
    try:
        found = json.loads(details)
        trained, dataset = found["trained"], found.get("dataset")
        name = f"{dataset['photos']:,} photos {dataset['sha256'][:SHOWN]}" if dataset else "unknown"
        splits = (dataset or {}).get("splits_sha256", "")
        setting, figures = setting_of(trained["train"]), {**json.loads(metrics)}
        return EvaluatedRun(place, setting, trained["seed"], figures, trained, name, splits)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place} cannot be read ({error!r}): run `aucue evaluate` again") from error


def setting_of(params: dict) -> RunConfig:
    """Of a params block as it is stored beside the weights. A weight of 0 guides nothing."""
    weights = {"attention": params["lambda"], "cam": params["cam_lambda"]}
    align = tuple(sorted(name for name in params["align"] if weights[name] > 0))
    layers = tuple(sorted(params["layers"])) if "attention" in align else ()
    used = [weights[name] if name in align else 0.0 for name in ("attention", "cam")]
    return RunConfig(params["method"], align, layers, *used)


def grouped(runs: Sequence[EvaluatedRun]) -> tuple[dict[RunConfig, list[EvaluatedRun]], list[str]]:
    """Runs by setting, one per seed, in the order of settings; and sentences about what keeps them from being comparable."""
    groups: dict[RunConfig, dict[int, EvaluatedRun]] = {}
    notes = []
    varied = _varied(runs)
    for run in runs:
        others = _others(run)
        setting = run.setting._replace(otherwise=", ".join(f"{name} {others.get(name)}" for name in varied))
        run = replace(run, setting=setting)
        first = groups.setdefault(setting, {}).setdefault(run.seed, run)
        if first.metrics != run.metrics:
            notes.append(f"{run.place} is left out: {first.place} has the same setting and seed, and other figures")
    found = {setting: [groups[setting][seed] for seed in sorted(groups[setting])] for setting in sorted(groups)}
    if varied:
        notes.append(f"the runs differ in {', '.join(varied)} too: those that do are rows of their own")
    return found, notes + _other_splits(runs) + _alone(found)


def _others(run: EvaluatedRun) -> dict[str, object]:
    """What decides a run's figures beside its setting and its seed, with the splits that the seed makes."""
    train = {name: value for name, value in run.trained["train"].items() if name not in SWEPT + WITHOUT_EFFECT}
    for name in [name for name, value in train.items() if isinstance(value, dict)]:
        train |= {f"{name}.{inner}": value for inner, value in train.pop(name).items()}
    if described := run.trained.get("backbone"):  # a folder's content may change under its name
        train["backbone"] = f"{train.get('backbone')} {json_digest(described)[:SHOWN]}"
    heatmaps = dict(run.trained["heatmaps"])
    codebook = f"{heatmaps.pop('codebook', '')} {heatmaps.pop('codebook_sha256', '')[:SHOWN]}".strip()
    stamps = {f"faces.{name}": value for name, value in run.trained["faces"].items() if name not in OF_THE_SPLIT}
    stamps |= {f"heatmaps.{name}": value for name, value in heatmaps.items() if name not in OF_THE_SPLIT}
    classes = " ".join(run.trained.get("classes", ()))
    return {"dataset": run.dataset, "classes": classes, "codebook": codebook, **train, **stamps}


def _varied(runs: Sequence[EvaluatedRun]) -> list[str]:
    """The names of what not all runs have alike."""
    others = [_others(run) for run in runs]
    names = dict.fromkeys(name for found in others for name in found)
    return [name for name in names if any(found.get(name) != others[0].get(name) for found in others)]


def _other_splits(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Another seed may split the faces otherwise; the runs of one seed and dataset are to have the same splits and faces."""
    first: dict[tuple, EvaluatedRun] = {}
    others: dict[int, tuple[EvaluatedRun, EvaluatedRun]] = {}
    for run in runs:
        known = first.setdefault((run.seed, run.dataset), run)
        if (known.splits, known.trained["faces"].get(DETECTIONS)) != (run.splits, run.trained["faces"].get(DETECTIONS)):
            others.setdefault(run.seed, (known, run))
    what = "have other splits or detections of the same photos: they cannot be compared"
    return [f"runs of seed {seed} {what} ({one.place}; {other.place})" for seed, (one, other) in sorted(others.items())]


def _alone(groups: dict[RunConfig, list[EvaluatedRun]]) -> list[str]:
    kinds: dict[tuple[str, str], set[bool]] = {}
    for setting in groups:
        kinds.setdefault((setting.method, setting.otherwise), set()).add(setting.guided)
    notes = []
    for (method, otherwise), found in kinds.items():
        name = f"{method} ({otherwise})" if otherwise else method
        if found == {True}:
            notes.append(f"{name} has no run without guidance (`aucue train --variant baseline`)")
        elif found == {False}:
            notes.append(f"{name} has no guided run (`aucue train --variant guided`)")
    return notes
