"""``aucue explain``."""

import math
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, cache_option, params_option, path_option
from pipeline.runtime.errors import InputError
from pipeline.runtime.garbage import importing
from pipeline.runtime.messages import warn


class Seconds(click.FloatRange):
    """A number of seconds; ``nan``, which a range lets pass, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        seconds: float = super().convert(value, param, ctx)
        return seconds if math.isfinite(seconds) else self.fail(f"{value!r} is no number of seconds.", param, ctx)


SECONDS = Seconds(min=0)


@click.command()
@click.argument("sources", metavar="PATH...", nargs=-1, required=True, type=USER_PATH)
@params_option
@path_option("--checkpoint", f"{paths.TRAIN}/guided/{paths.CHECKPOINT}", "Classifier to explain.")
@path_option("--out", paths.EXPLANATIONS, "Folder to write.")
@click.option(
    "--faces", "which", type=click.Choice(["all", "largest"]), default="all", show_default=True, help="Faces of a photo."
)
@click.option("--every", type=SECONDS, default=0.0, metavar="SECONDS", help="Pause between frames.  [default: none]")
@click.option("--codebook", help="Codebook of the action units' regions.  [default: the classifier's]")
@click.option(
    "--needed/--no-needed", default=True, show_default=True, help="Whether to measure what answers need: most of the time."
)
@click.option("--pictures/--no-pictures", default=True, show_default=True, help="Whether to draw a picture for each face.")
@click.option("--batch-size", type=click.IntRange(min=1), default=16, show_default=True, help="Photos at a time.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True, help="Device."
)
@path_option("--shards", paths.FACES, "Face shards, whose neutral faces stand in for regions.")
@path_option("--heatmaps", paths.HEATMAPS, "Their heatmap shards.")
@path_option("--evaluation", paths.EVALUATION, "Evaluations, which tell the classifier's own test figures.")
@cache_option
@click.pass_context
def explain(
    context: click.Context,
    sources: tuple[Path, ...],
    params_path: Path,
    checkpoint: Path,
    out: Path,
    which: str,
    every: float,
    codebook: str | None,
    needed: bool,
    pictures: bool,
    batch_size: int,
    device: str,
    shards: Path,
    heatmaps: Path,
    evaluation: Path,
    cache: Path,
) -> None:
    """Explain the classifier's answers to photos and videos: where it looks, and what its answers need.

    PATH is a photo, a folder of photos, a video, or a CSV table with a column image. Photos need no labels. The command
    writes explanations.csv, explanations.json, a picture for each face, and a page. If it is interrupted, the same command
    goes on.

    \b
    Examples:
      aucue explain photo.jpg                            one photo
      aucue explain holidays/ --faces largest            all photos of a folder, one face each
      aucue explain interview.mp4 --every 0.5            two frames a second
      aucue explain test.csv --checkpoint data/train/baseline/model.safetensors --out data/explanations/baseline
    """
    with importing():
        from train.explain.answers.explainer import Explainer
        from train.explain.answers.photo_faces import DETECT
        from train.explain.command import main
        from train.explain.outputs.figures import find_figures

    params = parameters.load(params_path) if _is_named(context, "params_path") or params_path.is_file() else None
    for name, folder in (("shards", shards), ("heatmaps", heatmaps), ("evaluation", evaluation)):
        if _is_named(context, name) and not folder.is_dir():
            raise InputError(f"{folder}, which --{name} names, is no folder: name one, or leave out --{name}")
    explainer = Explainer(
        checkpoint,
        codebook=codebook,
        which="largest" if which == "largest" else "all",
        shards=(shards, heatmaps) if shards.is_dir() and heatmaps.is_dir() else None,
        needed=needed,
        detect=params.detect if params else DETECT,
        predictor=params.landmarks.predictor if params else None,
        device=device,
    )
    summary = main(
        explainer,
        checkpoint=checkpoint,
        paths=sources,
        out=out,
        cache_dir=cache,
        every=every,
        pictures=pictures,
        batch_size=batch_size,
        workers=params.base.workers if params else "auto",
        figures=find_figures(evaluation / explainer.config.variant, explainer.config.run),
        say=click.echo,
        note=warn,
    )
    counts = ", ".join(f"{number:,} {name}" for name, number in summary.statuses.most_common())
    answers = ", ".join(f"{name} {number:,}" for name, number in summary.expressions.most_common())
    click.echo(f"{counts}{'; ' + answers if answers else ''}\nwrote {summary.page}")


def _is_named(context: click.Context, parameter: str) -> bool:
    """Whether the user gave an option: what he names must be there, and defaults may be missing."""
    return context.get_parameter_source(parameter) != ParameterSource.DEFAULT
