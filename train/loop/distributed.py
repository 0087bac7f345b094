"""Training in several processes, which torchrun starts.

Each process works on its part of the same global batches. The result is the same as that of one process, up to rounding.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import click
import torch
import torch.distributed as dist
from torch import Tensor, nn

from train.models.devices import chosen_device


@dataclass(frozen=True)
class DistributedContext:
    """The processes that train together, as one of them sees them. A process that trains alone is a context of size 1."""

    rank: int  # number of this process, from 0
    size: int  # number of processes
    device: torch.device  # of this process

    @property
    def precise(self) -> torch.dtype:
        """The type for sums over many faces: double precision, which Apple's GPUs do not have."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of ``values`` over all processes."""
        values = values.clone()
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def broadcast(self, model: nn.Module) -> None:
        """Copy the weights and statistics of the first process to every process."""
        if self.size > 1:
            for value in model.state_dict().values():
                dist.broadcast(value, 0)

    def echo(self, sentence: str) -> None:
        """Print a sentence on stderr, from the first process only."""
        if self.rank == 0:
            click.echo(f"train: {sentence}", err=True)

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def distributed_context(device: str) -> Iterator[DistributedContext]:
    """Join the processes that torchrun started together with this one.

    Args:
        device: auto | cpu | cuda | mps. On a machine with several GPUs each process gets one of them.

    Yields:
        The context of this process.

    Raises:
        InputError: If PyTorch does not find the device.
    """
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield DistributedContext(0, 1, chosen_device(device))
        return
    local_device = chosen_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if local_device.type == "cuda":
        torch.cuda.set_device(local_device)
    dist.init_process_group("nccl" if local_device.type == "cuda" else "gloo")
    try:
        yield DistributedContext(dist.get_rank(), size, local_device)
    finally:
        dist.destroy_process_group()


def synchronise_batch_norms(model: nn.Module, distributed: DistributedContext) -> nn.Module:
    """Make the batch norms of ``model`` use the statistics of the global batch.

    So the number of processes does not change the result. The model is changed in place; its parameters and state keep their
    names.
    """
    if distributed.size == 1:
        return model
    for parent in model.modules():
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                child.__class__ = GlobalBatchNorm2d  # keeps the parameters and the state under their names
                setattr(parent, name, child)
    return model


class _Sum(torch.autograd.Function):
    """The sum over all processes. Every result depends on the inputs of every process, so gradients are summed as well.

    PyTorch's own function, ``torch.distributed.nn.functional.all_reduce``, is deprecated in favour of a private module.
    """

    @staticmethod
    def forward(_context: object, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the parts of a batch in all processes. It works on CPUs, where PyTorch's SyncBatchNorm does not."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise this process's part (B, C, h, w), as BatchNorm2d would normalise it within the whole batch."""
        if not self.training:
            return super().forward(x)
        dtype, x = x.dtype, x.float()  # sums and counts are too large for half precision
        sums = _Sum.apply(torch.cat([x.sum(dim=(0, 2, 3)), x.new_full((1,), x.numel() / x.shape[1])]))
        number = sums[-1]
        mean = sums[:-1] / number
        centred = x - mean[:, None, None]  # first: a mean of squares minus a squared mean would lose digits
        variance = _Sum.apply((centred**2).sum(dim=(0, 2, 3))) / number
        self._update_statistics(mean, variance * number / (number - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(dtype)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        # None only for a batch norm without running statistics or without momentum. No backbone has such a layer.
        momentum = cast(float, self.momentum)
        cast(Tensor, self.running_mean).lerp_(mean, momentum)
        cast(Tensor, self.running_var).lerp_(unbiased_variance, momentum)
        cast(Tensor, self.num_batches_tracked).add_(1)
