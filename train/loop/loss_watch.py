"""Looks for losses that are not finite, without making the host wait for the device."""

import math
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.runtime.errors import InputError

QUEUED = ("cuda",)  # kinds of devices that compute after a call has returned


class DivergedError(InputError):
    """The loss of a batch is not finite.

    Attributes:
        loss: The loss: nan or inf.
        rows: The rows of the batch's faces in the face shards.
    """

    def __init__(self, loss: float, rows: list[int]) -> None:
        super().__init__(f"the loss is {loss} on rows {rows} of the face shards: lower train.learning_rate")
        self.loss = loss
        self.rows = rows


class _Copied(NamedTuple):
    """The loss of a batch on its way to the host."""

    loss: Tensor  # scalar on the host
    rows: Tensor  # (B,) of the batch's faces
    arrived: torch.cuda.Event | None  # when the loss is there; None: it is


class LossWatch:
    """Checks the loss of every batch, in order, as soon as it is on the host.

    On a CPU this is at once. A GPU works on a queue of steps, and the host does not wait for it: a loss is looked at a step
    or a few steps later, and at the end of the epoch at the latest.
    """

    def __init__(self) -> None:
        self._copied: deque[_Copied] = deque()

    def add(self, loss: Tensor, rows: Tensor) -> None:
        """Take the loss of the next batch, and check every loss that is on the host by now.

        Args:
            loss: Scalar, on the device.
            rows: (B,) int64, the rows of the batch's faces in the face shards.

        Raises:
            DivergedError: If the loss of this batch or of an earlier one is not finite.
        """
        arrived = None
        is_queued = loss.device.type in QUEUED
        on_host = loss.detach().to("cpu", non_blocking=is_queued)
        if is_queued:
            arrived = torch.cuda.Event()
            arrived.record()
        self._copied.append(_Copied(on_host, rows, arrived))
        while self._copied and (self._copied[0].arrived is None or self._copied[0].arrived.query()):
            self._check(self._copied.popleft())

    def finish(self) -> None:
        """Wait for the losses that are not on the host yet, and check them. Raises DivergedError as ``add`` does."""
        while self._copied:
            if self._copied[0].arrived is not None:
                self._copied[0].arrived.synchronize()
            self._check(self._copied.popleft())

    def _check(self, copied: _Copied) -> None:
        loss = copied.loss.item()
        if not math.isfinite(loss):
            raise DivergedError(loss, copied.rows.tolist())
