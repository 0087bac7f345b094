"""Where the time of a training step goes: its dearest kernels on a GPU, its dearest operators on a CPU."""

from collections.abc import Callable
from typing import NamedTuple

import click
import torch
from torch.profiler import ProfilerActivity, profile

STEPS = 2
NUMBER = 10  # kernels that are listed
WIDTH = 90  # characters of a kernel's name: templates have hundreds


class Kernel(NamedTuple):
    """A kernel or operator, in one step."""

    name: str
    milliseconds: float  # its own time, without that of the operators that it calls
    share: float  # of the time of all kernels
    calls: float


def dearest_kernels(run_steps: Callable[[int], object], device: torch.device) -> list[Kernel]:
    """Profile some steps, and return the kernels that take most time, the dearest first.

    Args:
        run_steps: Trains for so many steps.
        device: The device of the training.
    """
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    run_steps(1)
    with profile(activities=activities) as found:
        run_steps(STEPS)
    # On a GPU the profile also has the operators, whose device time is that of their kernels.
    events = [event for event in found.key_averages() if event.device_type.name == ("CUDA" if on_gpu else "CPU")]
    rows = [(event, event.self_device_time_total if on_gpu else event.self_cpu_time_total) for event in events]
    total = sum(time for _, time in rows) or 1
    rows.sort(key=lambda row: row[1], reverse=True)
    return [Kernel(row.key, time / STEPS / 1e3, time / total, row.count / STEPS) for row, time in rows[:NUMBER]]


def print_kernels(kernels: list[Kernel]) -> list[dict[str, str | float]]:
    """Print a line for each kernel; return them as plain data."""
    for kernel in kernels:
        click.echo(
            f"kernel: {kernel.share:.1%}, {kernel.milliseconds:.4g} ms in {kernel.calls:g} calls a step: "
            f"{kernel.name[:WIDTH]}"
        )
    return [kernel._asdict() for kernel in kernels]
