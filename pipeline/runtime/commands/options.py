"""Options that several commands of ``aucue`` share, with the default paths that dvc.yaml uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.runtime.commands import paths
from pipeline.runtime.user_paths import expand

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Command], Command]


class UserPath(click.ParamType):
    """A path, in which ``~`` and ``$NAME`` are written out: shells leave ``--out=~/faces`` as it is."""

    name = "path"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. An empty one, as of a variable that is not set, would mean the working directory."""
        if not str(value):
            self.fail("the path is empty.", param, ctx)
        return Path(expand(str(value)))


USER_PATH = UserPath()

params_option = click.option(
    "--params",
    "params_path",
    type=USER_PATH,
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
    return click.option(name, type=USER_PATH, default=Path(default), show_default=True, help=description)


cache_option = path_option("--cache", paths.CACHE, "Folder of finished work that later runs resume.")
scheduler_option = click.option(
    "--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler whose workers do the work."
)
faces_option = path_option("--faces", paths.FACES, "Folder of face shards to read.")
heatmaps_option = path_option("--heatmaps", paths.HEATMAPS, "Folder of heatmap shards to read.")
