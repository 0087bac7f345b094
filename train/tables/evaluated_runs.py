"""Evaluated runs: found in folders and in DVC's experiments, and grouped by their training parameters."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import json_digest
from train import WITHOUT_EFFECT
from train.evaluate.artifacts import DETAILS, METRICS, parse_details
from train.models.guidance import Guidance

SWEPT = ("method", "layers", "lambda", "cam_lambda", "evidence_share", "align")  # parameters that the tables are about
DETECTIONS = "detections_sha256"
OF_THE_SPLIT = ("manifest_sha256", DETECTIONS, "faces_sha256")  # in the shards' provenance; they differ with every seed
DIGEST_DIGITS = 6  # digits of a digest that are shown


class RunConfig(NamedTuple):
    """What makes runs comparable: runs of one config differ in their seeds only.

    Maps that are not guided have no layers and a weight of 0, because these parameters have no effect on them.
    """

    method: str
    align: tuple[str, ...] = ()  # what is guided: any of attention, cam and evidence
    layers: tuple[int, ...] = ()  # the layers whose attention is guided
    weight: float = 0.0  # lambda, of the alignment of attention
    cam_weight: float = 0.0  # cam_lambda, of the alignment of the CAM
    evidence: float = 0.0  # evidence_share, of the faces with swapped regions
    otherwise: str = ""  # everything else in which the runs differ: "epochs 4, codebook mine 3f2a91"

    @property
    def guided(self) -> bool:
        """Whether heatmaps had any part in the training."""
        return bool(self.align)

    @property
    def unguided(self) -> "RunConfig":
        """The same config without guidance."""
        return RunConfig(self.method, otherwise=self.otherwise)

    def columns(self) -> dict[str, Any]:
        """Return the config as columns of the CSV files."""
        return {
            "method": self.method,
            "align": "+".join(self.align) or "none",
            "layers": "+".join(map(str, self.layers)) or "none",
            "lambda": self.weight,
            "cam_lambda": self.cam_weight,
            "evidence_share": self.evidence,
            "otherwise": self.otherwise,
        }


@dataclass(frozen=True)
class EvaluatedRun:
    """One evaluation of one training."""

    place: str  # its folder, or its experiment and folder
    config: RunConfig
    seed: int
    metrics: dict[str, Any]  # the content of metrics.json
    trained: dict[str, Any]  # the config of the checkpoint (train.models.checkpoint.Config)
    dataset: str = ""  # number and digest of its photos, whatever their splits
    splits: str = ""  # digest of the splits


Groups = dict[RunConfig, list[EvaluatedRun]]  # the runs of a config have different seeds, in ascending order


def find_runs(folders: Iterable[Path], in_experiments: bool = False) -> list[EvaluatedRun]:
    """Read every evaluation under some folders, themselves included, and on request those of DVC's experiments.

    Raises:
        InputError: If there is no evaluation, or an evaluation cannot be read.
    """
    folders = list(folders)
    found = sorted({run for folder in folders for run in _evaluations(folder)})
    complete = [folder for folder in found if (folder / METRICS).is_file()]
    runs = [_read(str(folder), *((folder / name).read_bytes() for name in (METRICS, DETAILS))) for folder in complete]
    if in_experiments:
        from train.tables import experiments  # importing DVC takes a second

        runs += [_read(*evaluation) for evaluation in experiments.read_evaluations()]
    if not runs:
        where = " or ".join([f"under {folder}" for folder in folders] + ["in DVC's experiments"] * in_experiments)
        raise InputError(f"there is no evaluated run {where}: run `aucue evaluate`, or name a folder with --runs")
    return runs


def _evaluations(folder: Path) -> Iterator[Path]:
    """The folders with details.json at any depth, with their real paths. Links are followed, but not back to ``folder``."""
    top, seen = folder.resolve(), set()
    for name, inside, files in os.walk(folder, followlinks=True):
        path = Path(name).resolve()
        if path in seen or path in top.parents:
            inside.clear()
            continue
        seen.add(path)
        if DETAILS in files:
            yield path


def _read(place: str, metrics: str | bytes, details: str | bytes) -> EvaluatedRun:
    """The run whose metrics.json and details.json have this content."""
    try:
        content = parse_details(details)
        trained, dataset = content["trained"], content.get("dataset")
        name = f"{dataset['photos']:,} photos {dataset['sha256'][:DIGEST_DIGITS]}" if dataset else "unknown"
        if untrained := content.get("untrained_labels"):  # such labels are counted or excluded: other test faces
            name += f" {untrained['policy']} {' '.join(untrained['faces'])}"
        splits = (dataset or {}).get("splits_sha256", "")
        config, figures = config_of(trained["train"]), {**json.loads(metrics)}
        return EvaluatedRun(place, config, trained["seed"], figures, trained, name, splits)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place} cannot be read ({error!r}): run `aucue evaluate` again") from error


def config_of(params: Mapping[str, Any]) -> RunConfig:
    """Return the config of a ``train`` block that is stored beside the weights."""
    share = params.get("evidence_share", 0.0)  # runs of an earlier version lack it
    guidance = Guidance.of(params["align"], params["lambda"], params["cam_lambda"], params["layers"], share)
    return RunConfig(params["method"], guidance.align, guidance.layers, guidance.attention, guidance.cam, guidance.evidence)


def group_runs(runs: Sequence[EvaluatedRun]) -> tuple[Groups, list[str]]:
    """Group runs by their config.

    Returns:
        The groups, in the order of their configs, with one run per seed; and sentences on runs that cannot be compared.
    """
    by_seed: dict[RunConfig, dict[int, EvaluatedRun]] = {}
    notes = []
    varied = _varied_conditions(runs)
    for each in runs:
        conditions = _conditions(each)
        otherwise = ", ".join(f"{name} {conditions.get(name)}" for name in varied)
        run = replace(each, config=each.config._replace(otherwise=otherwise))
        first = by_seed.setdefault(run.config, {}).setdefault(run.seed, run)
        if first.metrics != run.metrics:
            notes.append(f"{run.place} is left out: {first.place} has the same setting and seed, and other figures")
    groups = {config: [by_seed[config][seed] for seed in sorted(by_seed[config])] for config in sorted(by_seed)}
    if varied:
        notes.append(f"the runs differ in {', '.join(varied)} too: those that do are rows of their own")
    return groups, notes + _notes_on_splits(runs) + _notes_on_counterparts(groups)


def _conditions(run: EvaluatedRun) -> dict[str, object]:
    """Everything that decides a run's figures, except its config, its seed, and the splits that follow from the seed."""
    train = {name: value for name, value in run.trained["train"].items() if name not in SWEPT + WITHOUT_EFFECT}
    for name in [name for name, value in train.items() if isinstance(value, dict)]:
        train |= {f"{name}.{inner}": value for inner, value in train.pop(name).items()}
    if description := run.trained.get("backbone"):  # the content of a folder may change under its name
        train["backbone"] = f"{train.get('backbone')} {json_digest(description)[:DIGEST_DIGITS]}"
    heatmaps = dict(run.trained["heatmaps"])
    codebook = f"{heatmaps.pop('codebook', '')} {heatmaps.pop('codebook_sha256', '')[:DIGEST_DIGITS]}".strip()
    shards = {f"faces.{name}": value for name, value in run.trained["faces"].items() if name not in OF_THE_SPLIT}
    shards |= {f"heatmaps.{name}": value for name, value in heatmaps.items() if name not in OF_THE_SPLIT}
    classes = " ".join(run.trained.get("classes", ()))
    return {"dataset": run.dataset, "classes": classes, "codebook": codebook, **train, **shards}


def _varied_conditions(runs: Sequence[EvaluatedRun]) -> list[str]:
    """The names of the conditions that are not the same for all runs."""
    conditions = [_conditions(run) for run in runs]
    names = dict.fromkeys(name for each in conditions for name in each)
    return [name for name in names if any(each.get(name) != conditions[0].get(name) for each in conditions)]


def _notes_on_splits(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Sentences on seeds whose runs of one dataset have different splits or faces; other seeds may split otherwise."""
    first: dict[tuple[int, str], EvaluatedRun] = {}
    differing: dict[int, tuple[EvaluatedRun, EvaluatedRun]] = {}
    for run in runs:
        known = first.setdefault((run.seed, run.dataset), run)
        if (known.splits, known.trained["faces"].get(DETECTIONS)) != (run.splits, run.trained["faces"].get(DETECTIONS)):
            differing.setdefault(run.seed, (known, run))
    reason = "have other splits or detections of the same photos: they cannot be compared"
    return [f"runs of seed {seed} {reason} ({a.place}; {b.place})" for seed, (a, b) in sorted(differing.items())]


def _notes_on_counterparts(groups: Groups) -> list[str]:
    """Sentences on methods that have guided runs only, or runs without guidance only."""
    guidance: dict[tuple[str, str], set[bool]] = {}
    for config in groups:
        guidance.setdefault((config.method, config.otherwise), set()).add(config.guided)
    notes = []
    for (method, otherwise), guided in guidance.items():
        name = f"{method} ({otherwise})" if otherwise else method
        if guided == {True}:
            notes.append(f"{name} has no run without guidance (`aucue train --variant baseline`)")
        elif guided == {False}:
            notes.append(f"{name} has no guided run (`aucue train --variant guided`)")
    return notes
