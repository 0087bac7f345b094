"""Measure times and memory, and print figures."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

T = TypeVar("T")
Figures = TypeVar("Figures", bound=Mapping[str, float])


def print_figures(title: str, figures: Figures) -> Figures:
    """Print figures in one line, underscores of their names as spaces; return the same figures."""
    texts = (
        f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value:,.5g}"
        for name, value in figures.items()
    )
    click.echo(f"{title}: " + ", ".join(texts))
    return figures


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Call a function; return its result and the seconds that it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def cpu_seconds() -> float:
    """Return the CPU time that this process and its processes that have ended have taken."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def peak_memory() -> int:
    """Return the most memory, in bytes, that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # counts from exec; getrusage counts from the fork, and so the parent's memory too
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    if sys.platform == "win32":
        import psutil  # comes with DVC

        return psutil.Process().memory_info().peak_wset
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
