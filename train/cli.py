"""The trainer's commands of ``aucue``."""

import json
import os
from pathlib import Path

import click

from pipeline import params as parameters
from pipeline.options import params_option, path_option
from train import VARIANTS
from train.headline import HEADLINE, shown

variant_option = click.option(
    "--variant",
    type=click.Choice(VARIANTS),
    default="guided",
    show_default=True,
    help="guided: with the alignment loss; baseline: the same run without guidance.",
)
faces_option = path_option("--faces", "data/faces", "Folder of face shards to read.")
heatmaps_option = path_option("--heatmaps", "data/heatmaps", "Folder of heatmap shards to read.")


@click.command()
@params_option
@variant_option
@faces_option
@heatmaps_option
@click.option("--out", type=Path, help="Folder to write.  [default: data/train/VARIANT]")
@click.option("--resume", is_flag=True, help="Go on with the same run where it was killed, if there is one.")
def train(params_path: Path, variant: str, faces: Path, heatmaps: Path, out: Path | None, resume: bool) -> None:
    """Train one variant of the classifier.

    \b
    Examples:
      aucue train                               the guided one
      aucue train --variant baseline --out data/train/baseline
      aucue train --resume                      after a crash: the last whole epoch is kept
      torchrun --nproc-per-node 2 -m train      the same in two processes
    """
    from train import train as stage

    params = parameters.load(params_path)
    out = out or Path("data/train") / variant
    best = stage.main(params.base, params.train, variant, faces, heatmaps, out, resume)
    if os.environ.get("RANK", "0") != "0":  # of torchrun's processes one speaks
        return
    cosine = f", ATT-COS {best['att_cos']:.3f}" if "att_cos" in best else ""
    click.echo(
        f"{variant}: epoch {best['epoch']:.0f} is best on validation (lowest cross-entropy): "
        f"accuracy {best['accuracy']:.3f}{cosine}\n"
        f"wrote {out / 'model.safetensors'}"
    )


@click.command()
@params_option
@click.option(
    "--variant",
    type=click.Choice(VARIANTS),
    help="Which one the checkpoint has to be.  [default: guided, unless --checkpoint and --out are given]",
)
@faces_option
@heatmaps_option
@click.option("--checkpoint", type=Path, help="Model to read.  [default: data/train/VARIANT/model.safetensors]")
@click.option("--out", type=Path, help="Folder to write.  [default: data/evaluation/VARIANT]")
def evaluate(
    params_path: Path, variant: str | None, faces: Path, heatmaps: Path, checkpoint: Path | None, out: Path | None
) -> None:
    """Measure one variant on the test split.

    \b
    Examples:
      aucue evaluate                            the guided one
      aucue evaluate --checkpoint other/model.safetensors --out data/evaluation/other
    """
    from train import evaluate as stage

    params = parameters.load(params_path)
    if not (checkpoint and out):
        variant = variant or "guided"
        checkpoint = checkpoint or Path("data/train") / variant / "model.safetensors"
        out = out or Path("data/evaluation") / variant
    metrics = stage.main(params.evaluate, checkpoint, faces, heatmaps, out, params.heatmaps.codebook, variant)
    for note in json.loads((out / "details.json").read_text(encoding="utf-8"))["notes"]:
        click.echo(f"evaluate: {note}", err=True)
    click.echo(
        f"{checkpoint}: {metrics['faces']:,} test faces, "
        + ", ".join(f"{title} {shown(metrics[name])}" for name, title in HEADLINE.items())
        + f"\nwrote {out / 'metrics.json'}"
    )


@click.command()
@params_option
@faces_option
@heatmaps_option
@path_option("--train", "data/train", "Folder of the trained variants.")
@path_option("--evaluation", "data/evaluation", "Folder of the evaluated variants.")
@path_option("--out", "data/report", "Folder to write.")
def report(params_path: Path, faces: Path, heatmaps: Path, train: Path, evaluation: Path, out: Path) -> None:
    """Put both variants side by side: a table here, and a page of pictures.

    \b
    Example:
      aucue report --out data/report
    """
    from train import report as stage

    params = parameters.load(params_path)
    table, page = stage.main(params, faces, heatmaps, train, evaluation, out)
    click.echo(f"{table}\n\npictures: {page}")


@click.command()
@params_option
@click.option(
    "--runs",
    type=Path,
    multiple=True,
    default=[Path("data/evaluation")],
    show_default=True,
    help="Folder to search for evaluations, with all below it; may be given several times.",
)
@click.option("--experiments", is_flag=True, help="Also the runs of `dvc exp run` on the commit that is checked out.")
@path_option("--out", "data/tables", "Folder to write.")
@click.option(
    "--dataset",
    type=click.Choice(["rafdb", "affectnet", "none"]),
    help="Whose published figures to show beside.  [default: ingest.dataset]",
)
def tables(params_path: Path, runs: tuple[Path, ...], experiments: bool, out: Path, dataset: str | None) -> None:
    """Put all evaluated runs into the paper's tables: means over seeds, and ranges.

    \b
    Examples:
      aucue tables                              the two variants
      aucue tables --experiments                and every experiment of a sweep
      aucue tables --runs sweep --dataset rafdb every evaluation under sweep/
    """
    from train import tables as stage
    from train.runs import find

    text, notes = stage.main(find(runs, experiments), out, dataset or parameters.load(params_path).ingest.dataset)
    for note in notes:
        click.echo(f"tables: {note}", err=True)
    click.echo(f"{text}\nwrote {out / 'tables.md'}, tables.tex, lambda.png and CSV files")


@click.command()
@click.argument("name")
@params_option
def preset(name: str, params_path: Path) -> None:
    """Write a published recipe into the train block of params.yaml. Comments and all other values stay.

    \b
    Examples:
      aucue preset paper_resnet50               as the paper trains its ResNet-50: on a GPU
      aucue preset paper_resnet50 --params mine.yaml
    """
    from train import preset as presets

    changes = presets.main(name, params_path)
    click.echo("\n".join([*changes, f"wrote {params_path}" if changes else f"{params_path} is like that already"]))
