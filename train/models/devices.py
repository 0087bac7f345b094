"""The device that a network runs on."""

import torch

from pipeline.runtime.errors import InputError


def chosen_device(name: str, index: int = 0) -> torch.device:
    """Turn the parameter ``device`` into a PyTorch device.

    Args:
        name: cuda, mps, cpu, or auto, which takes a CUDA GPU if there is one, else Apple's GPU, else the CPU.
        index: Number of the CUDA GPU.

    Raises:
        InputError: If PyTorch does not find the device here.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_there in available.items() if is_there)
    if not available[name]:
        raise InputError(f"the device is set to {name}, but PyTorch finds none here: set device to auto")
    return torch.device(name, index) if name == "cuda" else torch.device(name)
