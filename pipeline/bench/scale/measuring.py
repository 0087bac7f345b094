"""Run a command in a process of its own, and measure its processor time, its peak memory and its longest silence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import click

from pipeline.runtime.errors import InputError

PROCESS = "train.bench.measured_command"  # the module that the process runs
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Measured(NamedTuple):
    """What a command cost. Times are of the processor, without the start of Python and without the small dataset's run."""

    seconds: tuple[float, ...]  # of each of its parts; of the whole command, if it has none
    peak_bytes: int  # most memory of the process
    start_bytes: int  # most memory of the process after the small dataset's run
    silence: float  # longest time, in seconds of the clock, without a line of progress


def measure_command(command: tuple[str, ...], start: Path, folder: Path) -> Measured:
    """Measure a command.

    The same process first runs the command on a small dataset twice: once to load its libraries, and once to measure what it
    costs without any face. That cost is subtracted.

    Args:
        command: The command, as it is typed in the folder of a dataset.
        start: Folder of the small dataset.
        folder: Folder of the dataset.

    Raises:
        InputError: If the command fails; the message holds its last line.
    """
    arguments = [sys.executable, "-m", PROCESS, str(start.absolute()), str(folder.absolute()), *command]
    places = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(places)}
    last, silence, line, found = time.monotonic(), 0.0, "", ""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment
    ) as process:
        for line in process.stdout or ():
            now = time.monotonic()
            last, silence = now, max(silence, now - last)
            if line.startswith("{"):
                found = line
            else:
                click.echo(line, err=True, nl=False)
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise InputError(
            f"`{' '.join(command)}` on {folder} was ended by {name}, perhaps for want of memory: give fewer --rows"
        )
    if process.returncode:
        raise InputError(f"`{' '.join(command)}` on {folder} failed: {line.strip()}")
    return Measured(silence=silence, **json.loads(found))
