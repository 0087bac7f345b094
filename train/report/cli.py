"""``aucue report``."""

from pathlib import Path

import click

from pipeline.runtime import parameters, paths
from pipeline.runtime.options import faces_option, heatmaps_option, params_option, path_option


@click.command()
@params_option
@faces_option
@heatmaps_option
@path_option("--train", paths.TRAIN, "Folder of the trained variants.")
@path_option("--evaluation", paths.EVALUATION, "Folder of the evaluated variants.")
@path_option("--out", paths.REPORT, "Folder to write.")
def report(params_path: Path, faces: Path, heatmaps: Path, train: Path, evaluation: Path, out: Path) -> None:
    """Compare both variants: print a table, and write a page of pictures.

    \b
    Example:
      aucue report --out data/report
    """
    from train.report import stage

    params = parameters.load(params_path)
    table, page = stage.main(
        params=params, faces_dir=faces, heatmaps_dir=heatmaps, train_dir=train, evaluation_dir=evaluation, out_dir=out
    )
    click.echo(f"{table}\n\npictures: {page}")
