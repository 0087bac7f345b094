"""``aucue cache``."""

from pathlib import Path

import click

from pipeline.runtime.options import cache_option


@click.group("cache")
def cache_group() -> None:
    """Finished work that later runs take up again: data/.cache. Deleting it costs time alone."""


@cache_group.command()
@cache_option
@click.option("--unused-for", type=click.FloatRange(0), default=30, show_default=True, metavar="DAYS", help="0: all of it.")
def prune(cache: Path, unused_for: float) -> None:
    """Free the space of what no run has used for some days.

    \b
    Examples:
      aucue cache prune
      aucue cache prune --unused-for 0          everything
    """
    from pipeline.runtime import cache as finished

    removed, size = finished.prune(cache, unused_for)
    click.echo(f"removed {removed:,} rows and shards from {cache}: {size / 1e6:,.1f} MB")
