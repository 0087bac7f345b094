"""Training in several processes (torchrun): each works on its part of the same global batches, and ends with one result."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
import torch
import torch.distributed as dist
from torch import Tensor, nn

from train.models.devices import chosen_device


@dataclass(frozen=True)
class DistributedContext:
    """The processes that train together; one that trains alone is a group of 1."""

    rank: int
    size: int
    device: torch.device

    @property
    def precise(self) -> torch.dtype:
        """For sums over many faces: Apple's GPUs have no double precision."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        values = values.clone()
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def broadcast(self, model: nn.Module) -> None:
        """Give every process the first one's weights and statistics."""
        if self.size > 1:
            for value in model.state_dict().values():
                dist.broadcast(value, 0)

    def say(self, sentence: str) -> None:
        """On stderr, once for all processes."""
        if self.rank == 0:
            click.echo(f"train: {sentence}", err=True)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def distributed_context(device: str) -> Iterator[DistributedContext]:
    """The group that torchrun started this process in, on ``device`` (auto | cpu | cuda | mps)."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield DistributedContext(0, 1, chosen_device(device))
        return
    place = chosen_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if place.type == "cuda":
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield DistributedContext(dist.get_rank(), size, place)
    finally:
        dist.destroy_process_group()


def synchronised(model: nn.Module, group: DistributedContext) -> nn.Module:
    """``model`` with batch norms that see the global batch, so that the number of processes changes no result."""
    if group.size == 1:
        return model
    for parent in model.modules():
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                child.__class__ = GlobalBatchNorm2d  # the same parameters and state under the same names
                setattr(parent, name, child)
    return model


class _Sum(torch.autograd.Function):
    """The sum over all processes. Every result depends on the inputs of every process, so gradients are summed as well.

    (PyTorch deprecates its own, ``torch.distributed.nn.functional.all_reduce``, in favour of a private module.)
    """

    @staticmethod
    def forward(context: object, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over all processes' parts of a batch, on CPUs too, where PyTorch's SyncBatchNorm does not work."""

    def forward(self, x: Tensor) -> Tensor:
        """As BatchNorm2d of the whole batch, (B, C, h, w)."""
        if not self.training:
            return super().forward(x)
        given, x = x.dtype, x.float()  # sums and counts are too large for half precision
        sums = _Sum.apply(torch.cat([x.sum(dim=(0, 2, 3)), x.new_full((1,), x.numel() / x.shape[1])]))
        number = sums[-1]
        mean = sums[:-1] / number
        centred = x - mean[:, None, None]  # first: a mean of squares minus a squared mean would lose digits
        variance = _Sum.apply((centred**2).sum(dim=(0, 2, 3))) / number
        with torch.no_grad():
            unbiased = variance * number / (number - 1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(given)
