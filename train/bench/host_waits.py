"""How often a training step makes the host wait for a GPU, and where: PyTorch's sync debug mode says so."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

STEPS = 4


def waits_of_a_step(run_steps: Callable[[int], object]) -> dict[str, float]:
    """Count the waits of one step, without those that only begin or end an epoch.

    Args:
        run_steps: Trains for so many steps.

    Returns:
        ``FILE:LINE`` of the code -> waits of a step. It is empty if the host never waits.
    """
    run_steps(1)  # the first step builds what later steps use
    few, many = (_count(run_steps, number) for number in (STEPS, 2 * STEPS))
    return {place: (times - few[place]) / STEPS for place, times in many.items() if times > few[place]}


def _count(run_steps: Callable[[int], object], number: int) -> Counter[str]:
    with warnings.catch_warnings(record=True) as found, _sync_warnings():
        warnings.simplefilter("always")
        run_steps(number)
    told = (warning for warning in found if "synchronizing" in str(warning.message))
    return Counter(f"{Path(warning.filename).name}:{warning.lineno}" for warning in told)


@contextmanager
def _sync_warnings() -> Iterator[None]:
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
