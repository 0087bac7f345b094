"""The command ``aucue verify``."""

from pathlib import Path

import click

from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH
from pipeline.runtime.errors import InputError
from pipeline.runtime.garbage import many_rows


@click.command()
@click.argument("folder", type=USER_PATH, default=Path(paths.DATA))
def verify(folder: Path) -> None:
    """Check the files that the stages from ingest to heatmaps wrote.

    Every problem is named with the stage to run again. The exit code is 1 if there is any problem.

    \b
    Examples:
      aucue verify                              data/
      aucue verify backup/data
    """
    from pipeline.verify import checks

    problems = 0
    with many_rows():
        for finding in checks.main(folder):
            problems += not finding.is_sound
            click.echo(f"{finding.path}: {finding.text}" + (", sound" if finding.is_sound else ""))
    if problems:
        raise InputError(f"{problems} problem{'s' if problems > 1 else ''} in {folder}: see above")
