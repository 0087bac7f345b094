"""The commands that are measured, in their order, and what has to be there before each of them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.bench.scale.dataset import PARAMS, PHOTOS
from pipeline.bench.scale.earlier_runs import keep_detections, keep_faces
from pipeline.bench.scale.source_faces import SourceFace
from pipeline.runtime import parameters
from pipeline.runtime.commands import paths

EPOCHS = ("train: open", "train: first epoch", "train: second epoch")
HASHED = (paths.MANIFEST, paths.DETECTIONS, paths.FACES, paths.HEATMAPS)  # outputs that DVC hashes, beside the photos

Prepare = Callable[[Path, Sequence[SourceFace]], None]  # of a dataset's folder


class Step(NamedTuple):
    """A command that is measured."""

    name: str
    command: tuple[str, ...]  # as it is typed in the folder of the dataset
    prepare: Prepare = lambda folder, sources: None  # noqa: ARG005 (nothing to prepare)
    parts: tuple[str, ...] = ()  # names of the parts that are measured one by one


def _keep_detections(folder: Path, _: Sequence[SourceFace]) -> None:
    keep_detections(folder, parameters.load(folder / PARAMS))


def _keep_faces(folder: Path, sources: Sequence[SourceFace]) -> None:
    keep_faces(folder, parameters.load(folder / PARAMS), sources)


def _evaluate_baseline(folder: Path, _: Sequence[SourceFace]) -> None:
    """Make a baseline out of the guided variant: the report compares two, and what it costs does not depend on figures."""
    for output in (paths.TRAIN, paths.EVALUATION):
        shutil.rmtree(folder / output / "baseline", ignore_errors=True)
        shutil.copytree(folder / output / "guided", folder / output / "baseline")
    path = folder / paths.EVALUATION / "baseline" / "details.json"
    details = json.loads(path.read_text(encoding="utf-8"))
    details["trained"]["variant"] = "baseline"
    path.write_text(json.dumps(details), encoding="utf-8")


def _start_project(folder: Path, _: Sequence[SourceFace]) -> None:
    """Make a project of DVC whose only stage depends on the photos and writes the outputs, without a copy of them."""
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet", "--force"], cwd=folder, check=True)
    site = (folder / ".dvc" / "site").absolute()  # what DVC remembers of files is gone with the dataset
    (folder / ".dvc" / "config").write_text(
        f"[core]\n    analytics = false\n    no_scm = true\n    site_cache_dir = {site}\n"
    )
    outs = [{path: {"cache": False, "persist": True}} for path in HASHED]
    stage = {"cmd": "aucue heatmaps", "deps": [PHOTOS], "outs": outs}
    (folder / "dvc.yaml").write_text(json.dumps({"stages": {"outputs": stage}}))


STEPS = (
    Step("ingest", ("ingest",)),
    Step("detect", ("detect",), _keep_detections),
    Step("landmarks", ("landmarks",), _keep_faces),
    Step("landmarks again", ("landmarks",)),
    Step("heatmaps", ("heatmaps",)),
    Step("heatmaps again", ("heatmaps",)),
    Step("verify", ("verify",)),
    Step("train", ("train",), parts=EPOCHS),
    Step("evaluate", ("evaluate",)),
    Step("report", ("report",), _evaluate_baseline),
    Step("dvc", ("dvc", "commit", "--force", "--quiet"), _start_project),
)
