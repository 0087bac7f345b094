"""``aucue tables``."""

from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, params_option, path_option
from pipeline.runtime.messages import warn


@click.command()
@params_option
@click.option(
    "--runs",
    type=USER_PATH,
    multiple=True,
    default=[Path(paths.EVALUATION)],
    show_default=True,
    help="Folder to search for evaluations, with all folders below it; may be given several times.",
)
@click.option("--experiments", is_flag=True, help="Read also the runs of `dvc exp run` on the commit that is checked out.")
@path_option("--out", paths.TABLES, "Folder to write.")
@click.option(
    "--dataset",
    type=click.Choice(["rafdb", "affectnet", "none"]),
    help="Dataset whose published figures to show beside the runs.  [default: ingest.dataset]",
)
def tables(params_path: Path, runs: tuple[Path, ...], experiments: bool, out: Path, dataset: str | None) -> None:
    """Put all evaluated runs into the paper's tables, as means and ranges over seeds.

    \b
    Examples:
      aucue tables                              the two variants
      aucue tables --experiments                and every experiment of a sweep
      aucue tables --runs sweep --dataset rafdb every evaluation under sweep/
    """
    from train.tables import tables as stage
    from train.tables.evaluated_runs import find_runs

    dataset = dataset or parameters.load(params_path).ingest.dataset
    text, notes = stage.main(runs=find_runs(runs, experiments), out_dir=out, dataset=dataset)
    for note in notes:
        warn(note)
    click.echo(f"{text}\nwrote {out / 'tables.md'}, tables.tex, lambda.png and CSV files")
