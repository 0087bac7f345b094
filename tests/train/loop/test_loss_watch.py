import math

import pytest
import torch

from tests.train.loop.test_engine import run, small
from train.loop import loss_watch
from train.loop.loss_watch import DivergedError, LossWatch

__all__ = ["small"]

NAN, FINE = torch.tensor(math.nan), torch.tensor(1.0)


class Late:
    """Stands in for torch.cuda.Event: what it marks is there when it is waited for, or after ``looks`` looks."""

    looks = 10**6

    def record(self):
        self.left = self.looks

    def query(self):
        self.left -= 1
        return self.left < 0

    def synchronize(self):
        self.left = 0


@pytest.fixture
def late(monkeypatch):
    """Make the CPU a device that works through a queue."""
    monkeypatch.setattr(loss_watch, "QUEUED", ("cpu",))
    monkeypatch.setattr(torch.cuda, "Event", Late)


def test_on_a_cpu_a_loss_is_looked_at_at_once():
    watch = LossWatch()
    watch.add(FINE, torch.arange(2))
    with pytest.raises(DivergedError, match=r"the loss is nan on rows \[2, 3\] of the face shards"):
        watch.add(NAN, torch.tensor([2, 3]))


def test_on_a_gpu_a_loss_is_looked_at_when_it_is_there(late, monkeypatch):
    monkeypatch.setattr(Late, "looks", 1)
    watch = LossWatch()
    watch.add(NAN, torch.tensor([4, 5]))
    with pytest.raises(DivergedError) as diverged:
        watch.add(FINE, torch.tensor([6, 7]))
    assert diverged.value.rows == [4, 5]


def test_of_several_losses_the_first_that_is_not_finite_is_named(late):
    watch = LossWatch()
    for rows, loss in enumerate((FINE, torch.tensor(math.inf), NAN, FINE)):
        watch.add(loss, torch.tensor([rows]))
    with pytest.raises(DivergedError) as diverged:
        watch.finish()
    assert (diverged.value.loss, diverged.value.rows) == (math.inf, [1])


def test_losses_that_are_finite_are_let_go(late):
    watch = LossWatch()
    for _ in range(3):
        watch.add(FINE, torch.zeros(1))
    watch.finish()
    watch.finish()


def test_an_epoch_on_a_gpu_that_is_far_behind_ends_with_the_rows(small, late):
    with pytest.raises(DivergedError) as diverged:
        run(small, learning_rate=1e30)
    assert diverged.value.rows == list(range(6, 12))  # the first batch is finite
