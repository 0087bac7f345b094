"""Options that several commands of ``aucue`` share, with the default paths that dvc.yaml uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.runtime import paths

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Command], Command]

params_option = click.option(
    "--params",
    "params_path",
    type=Path,
    default=Path(paths.PARAMS),
    show_default=True,
    help="File of the parameters of all stages.",
)


def path_option(name: str, default: str, description: str) -> Option:
    """Make an option for the path of an input or output of a stage.

    Args:
        name: The option, such as ``--faces``.
        default: Default path.
        description: Help text.
    """
    return click.option(name, type=Path, default=Path(default), show_default=True, help=description)


cache_option = path_option("--cache", paths.CACHE, "Folder of finished work that later runs resume.")
scheduler_option = click.option(
    "--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler whose workers do the work."
)
faces_option = path_option("--faces", paths.FACES, "Folder of face shards to read.")
heatmaps_option = path_option("--heatmaps", paths.HEATMAPS, "Folder of heatmap shards to read.")
