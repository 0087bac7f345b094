"""The process of a measured command: ``python -m train.bench.measured_command START FOLDER COMMAND...``.

It runs the command in the folder START twice, and then in FOLDER. The last line that it prints is JSON: the processor time
of the third run less that of the second, and the peak memory after the second and after the third run. After an error, the
last line is its message.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from unittest.mock import patch

import click

from pipeline.bench.measurement import cpu_seconds, peak_memory
from pipeline.runtime.errors import InputError

FREE = ("train", "evaluate", "report")  # the commands that meet the network which costs nothing


def main(start: str, folder: str, *command: str) -> None:
    """Run and measure a command (see the module)."""
    run = _dvc if command[0] == "dvc" else _aucue
    with _free_network() if command[0] in FREE else nullcontext():
        os.chdir(start)
        _seconds(run, command)
        before, held = _seconds(run, command), peak_memory()
        os.chdir(folder)
        after = _seconds(run, command)
    seconds = [whole - fixed for whole, fixed in zip(after, before, strict=True)]
    print(json.dumps({"seconds": seconds, "start_bytes": held, "peak_bytes": peak_memory()}))  # noqa: T201


def _seconds(run: Callable[[Sequence[str]], None], command: Sequence[str]) -> list[float]:
    """Run a command, and return the processor time of its parts: before the first epoch and of each epoch, if it trains."""
    marks = [cpu_seconds()]
    with _marked_epochs(marks) if command[0] == "train" else nullcontext():
        run(command)
    marks.append(cpu_seconds())
    return [end - start for start, end in pairwise(marks)]


@contextmanager
def _marked_epochs(marks: list[float]) -> Iterator[None]:
    """Note in ``marks`` the processor time at the beginning of each epoch in a with block."""
    from train.loop.resume import EpochMetrics, State
    from train.loop.trainer import Trainer

    epoch = Trainer.epoch

    def marked(trainer: Trainer, state: State) -> EpochMetrics:
        marks.append(cpu_seconds())
        return epoch(trainer, state)

    with patch.object(Trainer, "epoch", marked):
        yield


@contextmanager
def _free_network() -> Iterator[None]:
    from train.bench.free_network import free_network

    with free_network():
        yield


def _aucue(command: Sequence[str]) -> None:
    from pipeline.cli import aucue

    aucue(list(command), standalone_mode=False)


def _dvc(command: Sequence[str]) -> None:
    from dvc.cli import main as dvc

    if code := dvc(list(command[1:])):
        raise InputError(f"dvc failed with exit code {code}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except click.ClickException as error:
        sys.exit(error.format_message())
