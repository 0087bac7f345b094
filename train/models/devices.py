"""Where a network runs."""

import torch

from pipeline.runtime.errors import InputError


def chosen_device(name: str, index: int = 0) -> torch.device:
    """``auto``: a CUDA GPU if there is one, then Apple's, then the CPU. Raises InputError for one that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, here in there.items() if here)
    if not there[name]:
        raise InputError(f"the device is to be {name}, but PyTorch finds none here: set device to auto in params.yaml")
    return torch.device(name, index) if name == "cuda" else torch.device(name)
