"""One progress bar for every long step: a tqdm bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterable
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")
LINE_FORMAT = "{desc}: {n_fmt}/{total_fmt}{unit} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
SECONDS_BETWEEN_LINES = 15


class _Lines:
    """Turns tqdm's carriage returns into lines, so that a log file stays readable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text:
            self._stream.write(text + "\n")

    def flush(self) -> None:
        self._stream.flush()


def progress(items: Iterable[T] | None, *, total: int, title: str, unit: str, quiet: bool = False) -> "tqdm[T]":
    """Iterate over ``items`` while showing the count, the rate and the time left on stderr; without items, a bar to
    ``update`` in a with block; nothing at all if ``quiet``."""
    if quiet or sys.stderr.isatty():
        return tqdm(items, total=total, desc=title, unit=f" {unit}", smoothing=0.1, disable=quiet)
    return tqdm(
        items,
        total=total,
        desc=title,
        unit=f" {unit}",
        file=_Lines(sys.stderr),
        mininterval=SECONDS_BETWEEN_LINES,
        maxinterval=SECONDS_BETWEEN_LINES,
        bar_format=LINE_FORMAT,
    )


def report_resumed(title: str, finished: int, total: int, unit: str) -> None:
    """Say how much an earlier run left to take up."""
    if finished:
        print(f"{title}: {finished:,} of {total:,} {unit} are finished already", file=sys.stderr)
