"""The command ``aucue train``."""

import os
from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, faces_option, heatmaps_option, params_option
from train import VARIANTS


@click.command()
@params_option
@click.option(
    "--variant",
    type=click.Choice(VARIANTS),
    default="guided",
    show_default=True,
    help="guided: with the alignment loss; baseline: the same run without the alignment loss.",
)
@faces_option
@heatmaps_option
@click.option("--out", type=USER_PATH, help="Folder to write.  [default: data/train/VARIANT]")
@click.option("--resume", is_flag=True, help="Continue the same run after its last complete epoch, if it was killed.")
def train(params_path: Path, variant: str, faces: Path, heatmaps: Path, out: Path | None, resume: bool) -> None:
    """Train one variant of the classifier.

    \b
    Examples:
      aucue train                               the guided variant
      aucue train --variant baseline --out data/train/baseline
      aucue train --resume                      after a crash: the last complete epoch is kept
      torchrun --nproc-per-node 2 -m train      the same training in two processes
    """
    from train.loop import stage

    params = parameters.load(params_path)
    out = out or Path(paths.TRAIN) / variant
    best = stage.main(
        base=params.base,
        params=params.train,
        variant=variant,
        faces_dir=faces,
        heatmaps_dir=heatmaps,
        out_dir=out,
        resume=resume,
        untrained_labels=params.evaluate.untrained_labels,
    )
    if os.environ.get("RANK", "0") != "0":  # of the processes that torchrun starts, only the first prints the result
        return
    cosine = f", ATT-COS {best['att_cos']:.3f}" if "att_cos" in best else ""
    click.echo(
        f"{variant}: epoch {best['epoch']:.0f} is best on validation (lowest cross-entropy): "
        f"accuracy {best['accuracy']:.3f}{cosine}\n"
        f"wrote {out / paths.CHECKPOINT}"
    )
