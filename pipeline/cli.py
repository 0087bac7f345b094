"""The command ``aucue``: the commands of all rooms, in the order in which people need them."""

import click

from pipeline.bench.cli import bench
from pipeline.codebook.cli import codebook
from pipeline.detect.cli import detect
from pipeline.heatmaps.cli import heatmaps
from pipeline.ingest.cli import ingest
from pipeline.landmarks.cli import landmarks
from pipeline.runtime.commands.cli import cache_group
from pipeline.runtime.commands.command_group import CommandGroup
from pipeline.verify.cli import verify


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="aucue")
def aucue() -> None:
    """Interpretable facial expression recognition guided by spatial action unit cues.

    The commands from ingest to heatmaps and from train to report are the stages of dvc.yaml, in order. `dvc repro` runs the
    stages that are out of date.

    \b
    Examples:
      dvc repro                                 everything, from photos to the report
      aucue ingest && aucue detect              by hand, without DVC or git
      aucue heatmaps --codebook mine.yaml       other action units, the same faces
      aucue train --variant guided --help       what a command reads and writes
    """


for command in (ingest, detect, landmarks, heatmaps, verify, cache_group, bench, codebook):
    aucue.add_command(command)
aucue.lazy = dict.fromkeys(("train", "evaluate", "report", "explain", "tables", "export", "preset", "serve"), "train.cli")
