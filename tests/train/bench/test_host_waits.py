import warnings

import pytest
import torch

from train.bench import host_waits

pytestmark = pytest.mark.filterwarnings("ignore")  # of the steps that nobody counts


@pytest.fixture
def modes(monkeypatch):
    """PyTorch's sync debug mode without a GPU: its settings in order."""
    found = ["default"]
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: found[-1])
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", found.append)
    return found


def wait():
    warnings.warn("called a synchronizing CUDA operation", stacklevel=2)


def test_waits_of_every_step_count_and_those_of_an_epoch_do_not(modes):
    def run(steps):
        for step in range(steps):
            wait()
            if step % 2:
                wait()
            warnings.warn("something else", stacklevel=1)
        wait()

    found = host_waits.waits_of_a_step(run)
    assert sorted(found.values()) == [0.5, 1.0]
    assert all(place.startswith("test_host_waits.py:") for place in found)
    assert modes == ["default", "warn", "default", "warn", "default"]


def test_a_step_without_waits_has_none(modes):
    assert host_waits.waits_of_a_step(lambda _: wait()) == {}


def test_the_mode_is_restored_after_an_error(modes):
    def fail(steps):
        if steps > 1:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        host_waits.waits_of_a_step(fail)
    assert modes[-1] == "default"
