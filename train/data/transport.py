"""How a process hands crops to another: in shared memory if there is room, and else through a pipe.

PyTorch puts every tensor into shared memory, and waits for ever where that is full: containers often have 64 MB.
"""

from functools import cache

import click
import numpy as np
import torch
from torch import Tensor


def shared_or_bytes(values: Tensor) -> Tensor | np.ndarray:
    """Move values to shared memory. If it has no room for them, return an array, which a pickle carries as bytes.

    Args:
        values: A contiguous tensor on the CPU. Its memory is moved, so that it stays valid.
    """
    try:
        return values.share_memory_()
    except (OSError, RuntimeError):  # no room, or no more open files
        return values.numpy()


def received(values: Tensor | np.ndarray) -> Tensor:
    """Return the tensor that another process handed over by ``shared_or_bytes``, and say if memory was short."""
    if isinstance(values, Tensor):
        return values
    _say_memory_is_short()
    return torch.from_numpy(values)


@cache
def _say_memory_is_short() -> None:
    click.echo(
        "train: shared memory (/dev/shm) has no room for the batches of train.workers, so they take a slower way: "
        "lower train.workers, or give a container more (docker run --shm-size=1g)",
        err=True,
    )
