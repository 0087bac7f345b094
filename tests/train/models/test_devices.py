import pytest
import torch

from pipeline.runtime.errors import InputError
from train.models.devices import chosen_device


def test_device_that_is_not_there_is_named():
    assert chosen_device("cpu") == torch.device("cpu")
    assert chosen_device("auto").type in {"cpu", "cuda", "mps"}
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(
                InputError, match=f"the device is set to {name}, but PyTorch finds none here: set device to auto"
            ):
                chosen_device(name)


def test_auto_prefers_cuda_and_the_index_is_of_cuda_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert chosen_device("auto", 3) == torch.device("cuda", 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto", 3) == torch.device("mps")
    assert chosen_device("cpu", 3) == torch.device("cpu")
