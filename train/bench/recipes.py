"""The recipe that ``aucue bench train`` measures: that of params.yaml, or on a GPU that of the paper."""

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Params, Train
from train.models.devices import chosen_device
from train.presets.preset import read_values

PRESET = "paper_resnet50"
RANDOM_START = {"backbone": "hf:resnet", "weights": "none"}  # the same ResNet-50, which needs no network


def recipe_for(params: Params, device: str | None) -> Params:
    """Choose the recipe to measure on a device.

    Args:
        params: The parameters of params.yaml.
        device: cpu, cuda, mps or auto; None for the device in params.yaml.

    Returns:
        The parameters. With ``cuda``, their train block is the preset ``PRESET`` from random weights, with the workers and
        the ``compile`` of params.yaml.

    Raises:
        InputError: If PyTorch does not find the device.
    """
    if device is None:
        return params
    try:
        chosen_device(device)
    except InputError:
        raise InputError(f"--device {device}: PyTorch finds no such device here: leave --device out") from None
    changes = {"device": device}
    if device == "cuda":
        changes = {**read_values(PRESET), **RANDOM_START, **changes}
    block = params.train.model_dump(mode="json", by_alias=True) | changes
    return params.model_copy(update={"train": Train.model_validate(block)})
