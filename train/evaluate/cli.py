"""``aucue evaluate``."""

import json
from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, faces_option, heatmaps_option, params_option
from pipeline.runtime.messages import warn
from train import VARIANTS
from train.evaluate.figures import HEADLINE, format_figure


@click.command()
@params_option
@click.option(
    "--variant",
    type=click.Choice(VARIANTS),
    help="Variant that the checkpoint was trained as.  [default: guided, unless --checkpoint and --out are given]",
)
@faces_option
@heatmaps_option
@click.option("--checkpoint", type=USER_PATH, help="Model to read.  [default: data/train/VARIANT/model.safetensors]")
@click.option("--out", type=USER_PATH, help="Folder to write.  [default: data/evaluation/VARIANT]")
def evaluate(
    params_path: Path, variant: str | None, faces: Path, heatmaps: Path, checkpoint: Path | None, out: Path | None
) -> None:
    """Measure one trained variant on the test split.

    \b
    Examples:
      aucue evaluate                            the guided variant
      aucue evaluate --checkpoint other/model.safetensors --out data/evaluation/other
    """
    from train.evaluate import stage

    params = parameters.load(params_path)
    if not (checkpoint and out):
        variant = variant or "guided"
        checkpoint = checkpoint or Path(paths.TRAIN) / variant / paths.CHECKPOINT
        out = out or Path(paths.EVALUATION) / variant
    metrics = stage.main(
        params=params.evaluate,
        checkpoint=checkpoint,
        faces_dir=faces,
        heatmaps_dir=heatmaps,
        out_dir=out,
        codebook=params.heatmaps.codebook,
        variant=variant,
    )
    for note in json.loads((out / "details.json").read_text(encoding="utf-8"))["notes"]:
        warn(note)
    click.echo(
        f"{checkpoint}: {metrics['faces']:,} test faces, "
        + ", ".join(f"{title} {format_figure(metrics[name])}" for name, title in HEADLINE.items())
        + f"\nwrote {out / 'metrics.json'}"
    )
