"""Progress of every long step: a tqdm bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar, cast

from tqdm import tqdm

T = TypeVar("T")
LINE_FORMAT = "{desc}: {n_fmt}/{total_fmt}{unit} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
SECONDS_BETWEEN_LINES = 15
SILENT_SECONDS = 2.0  # a step that is mostly shorter shows nothing until then


class _LineStream:
    """Turns tqdm's carriage returns into lines, so that a log file stays readable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text:
            self._stream.write(text + "\n")

    def flush(self) -> None:
        self._stream.flush()


def progress(
    items: Iterable[T] | None, *, total: int | None, title: str, unit: str, quiet: bool = False, delay: float = 0
) -> "tqdm[T]":
    """Show the count, the rate and the time left on stderr.

    Args:
        items: The items to iterate over; None for a bar that a with block updates.
        total: Number of items; None if it is not known.
        title: Name of the step.
        unit: Name of the items, in the plural.
        quiet: Whether to show nothing.
        delay: Seconds before a terminal shows anything. Elsewhere the first line comes after SECONDS_BETWEEN_LINES, or at
            the end. A step that ends before the delay shows nothing.

    Returns:
        An iterable of the items that is also a context manager with an ``update`` method.
    """
    options: dict[str, Any]
    if quiet or sys.stderr.isatty():
        options = {"smoothing": 0.1, "disable": quiet}
    else:
        options = {
            "file": _LineStream(sys.stderr),
            "mininterval": SECONDS_BETWEEN_LINES,
            "maxinterval": SECONDS_BETWEEN_LINES,
            "bar_format": LINE_FORMAT,
        }
    bar = tqdm(items, total=total, desc=title, unit=f" {unit}", delay=delay, **options)
    return cast("tqdm[T]", bar)  # tqdm's types have one signature with items and another one without


def report_resumed(title: str, finished: int, total: int, unit: str) -> None:
    """Say on stderr how much of a step an earlier run has finished; say nothing if it has finished nothing."""
    if finished:
        sys.stderr.write(f"{title}: {finished:,} of {total:,} {unit} are finished already\n")
