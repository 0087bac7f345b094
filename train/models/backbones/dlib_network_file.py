"""Reads the weights of dlib's face-recognition network from dlib's own model file."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from pipeline.runtime.packaged_files import dlib_model

FACE_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
FACE_NETWORK_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
INTEGERS_BEFORE = {"con_4": 0, "affine_": 0, "fc_2": 2}  # names of records, and how many integers precede the tensor

Record = tuple[str, np.ndarray]  # kind of layer, and its parameters as float32 (n,)


def load_face_network(module: nn.Module) -> None:
    """Load the weights of dlib's face network, as the installed package holds it, into ``module``; see ``load_records``."""
    load_records(module, read_records(dlib_model(FACE_NETWORK, FACE_NETWORK_SHA256)))


@torch.no_grad()
def load_records(module: nn.Module, records: Iterator[Record]) -> None:
    """Copy records, from the network's input to its output, into the module's layers in their order.

    Args:
        module: Its convolutions, batch norms and linear layers get the weights.
        records: As ``read_records`` yields them. Records after those of the module's last layer are not read.

    Raises:
        InputError: If a record is missing, or its kind or size does not fit the layer.
    """
    for layer in module.modules():
        match layer:
            case nn.Conv2d(weight=weight, bias=Tensor() as bias):
                values = _next(records, "con_4", weight.numel() + bias.numel())
                weight.copy_(values[: weight.numel()].view_as(weight))
                bias.copy_(values[weight.numel() :])
            case nn.BatchNorm2d(running_mean=Tensor() as mean, running_var=Tensor() as variance):
                values = _next(records, "affine_", 2 * layer.num_features)
                layer.weight.copy_(values[: layer.num_features])
                layer.bias.copy_(values[layer.num_features :])
                mean.zero_()
                variance.fill_(1 - layer.eps)  # so that the layer is exactly dlib's affine layer in evaluation mode
            case nn.Linear():
                values = _next(records, "fc_2", layer.weight.numel())
                layer.weight.copy_(values.view(layer.in_features, layer.out_features).T)


def _next(records: Iterator[Record], kind: str, size: int) -> Tensor:
    """The parameters of the next record, which must be of this kind and size."""
    read, values = next(records, ("nothing", np.empty(0, np.float32)))
    if (read, values.size) != (kind, size):
        raise InputError(f"{FACE_NETWORK} is not the network expected: {read} of {values.size} for {kind} of {size}")
    return torch.from_numpy(values.copy())


def read_records(path: Path) -> Iterator[Record]:
    """Read the parameter tensors of a dlib network file.

    A record is the layer's name (a length and that many bytes) and a tensor: a version, four sizes and little-endian floats.
    An integer is a byte with its length and that many bytes, the lowest first.

    Yields:
        Kind of layer (a key of INTEGERS_BEFORE) and its parameters, float32 (n,), in the order of the file.
    """
    data = path.read_bytes()
    markers = {name: bytes([1, len(name)]) + name.encode() for name in INTEGERS_BEFORE}
    position = 0
    while True:
        places = {name: data.find(marker, position) for name, marker in markers.items()}
        places = {name: place for name, place in places.items() if place >= 0}
        if not places:
            return
        name = min(places, key=places.__getitem__)
        position = places[name] + len(markers[name])
        integers = []
        for _ in range(INTEGERS_BEFORE[name] + 5):
            length = data[position]
            integers.append(int.from_bytes(data[position + 1 : position + 1 + length], "little"))
            position += 1 + length
        count = math.prod(integers[-4:])
        yield name, np.frombuffer(data, "<f4", count, position)
        position += 4 * count
