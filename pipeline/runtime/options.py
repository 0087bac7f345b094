"""Options that several commands of ``aucue`` share, with the defaults that dvc.yaml uses."""

from pathlib import Path

import click

from pipeline.runtime import paths

params_option = click.option(
    "--params", "params_path", type=Path, default=Path(paths.PARAMS), show_default=True, help="Parameters of all stages."
)


def path_option(name: str, default: str, description: str):
    """An option for a stage's input or output."""
    return click.option(name, type=Path, default=Path(default), show_default=True, help=description)


cache_option = path_option("--cache", paths.CACHE, "Folder of finished work that a later run takes up again.")
scheduler_option = click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers do the work.")
faces_option = path_option("--faces", paths.FACES, "Folder of face shards to read.")
heatmaps_option = path_option("--heatmaps", paths.HEATMAPS, "Folder of heatmap shards to read.")
