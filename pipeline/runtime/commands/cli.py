"""The commands ``aucue cache ...``."""

from pathlib import Path

import click

from pipeline.runtime.commands.options import cache_option


@click.group("cache")
def cache_group() -> None:
    """Manage the finished work that later runs resume (data/.cache). Deleting it costs only time."""


@cache_group.command()
@cache_option
@click.option(
    "--unused-for",
    type=click.FloatRange(0),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Age of the last use, in days. 0 removes everything.",
)
def prune(cache: Path, unused_for: float) -> None:
    """Remove finished work that no run has used for some days.

    \b
    Examples:
      aucue cache prune
      aucue cache prune --unused-for 0          everything
    """
    from pipeline.runtime.finished_work import cache as finished_work

    removed, size = finished_work.prune(cache, unused_for)
    click.echo(f"removed {removed:,} rows and shards from {cache}: {size / 1e6:,.1f} MB")
