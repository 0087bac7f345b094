"""dlib's face-recognition network in PyTorch, read from dlib's own model file.

The network is a ResNet with 29 convolutions whose affine layers are batch norms with their statistics folded in. It sees
RGB faces of 150 x 150 pixels; on dlib's aligned face chips ``Descriptor`` equals dlib's 128-d face descriptor.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from pipeline.runtime.packaged_files import dlib_model
from train.models.backbones.features import Backbone, Features, LayerHook, unchanged

FACE_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
FACE_NETWORK_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
MEAN = (122.782, 117.001, 104.298)  # of RGB in 0..255, as dlib's input layer subtracts it
SCALE = 256.0
STEM = 32
STAGES = ((32, 3, 1), (64, 4, 2), (128, 3, 2), (256, 1, 2))  # channels, blocks, stride; dlib's has three more blocks of 256
DENSE_FROM = 2  # the place of the first stage whose stride large_maps removes
EPSILON = 1e-5
INTEGERS_BEFORE = {"con_4": 0, "affine_": 0, "fc_2": 2}  # record names, and how many integers precede the tensor


class DlibResNet(Backbone):
    """The stem and four residual stages: layers 1 to 5.

    For 150 x 150 inputs the layers are 72, 35, 17, 8 and 4 pixels wide; with ``large_maps`` the last two stages are
    ``dense``, and their maps are 17 wide: each place is computed as the network computes one of its own. (At inputs of
    such sizes that no block has to pad, as 131 or 227, layer 4 has the network's own values at every second place, from the
    second one on, and layer 5 at every fourth, from the fourth one on; elsewhere they differ by what the borders' zeros
    spread.) The trunk ends after the first block of 256 channels: at that width of the
    maps each further one would cost as much time as a third of all before it.
    """

    def __init__(self, large_maps: bool, pretrained: bool = True) -> None:
        super().__init__()
        self.has_folded_statistics = pretrained
        self.stem = nn.Sequential(nn.Conv2d(3, STEM, 7, stride=2), nn.BatchNorm2d(STEM, EPSILON), nn.ReLU())
        self.stages = nn.ModuleList()
        width, dilation = STEM, 1
        for number, (channels, blocks, stride) in enumerate(STAGES):
            dense = large_maps and number >= DENSE_FROM
            first = Block(width, channels, stride, dilation, dense)
            dilation *= stride if dense else 1
            rest = (Block(channels, channels, dilation=dilation) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(first, *rest))
            width = channels
        self.channels = (STEM, *(channels for channels, *_ in STAGES))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # batch norm takes a bias out again: its gradient is nothing but rounding
                module.bias.requires_grad_(False)
        if pretrained:
            _load(self, _records(dlib_model(FACE_NETWORK, FACE_NETWORK_SHA256)))

    def forward(self, images: Tensor, after: LayerHook = unchanged) -> Features:
        layers = [self.stem((images * 255 - self.mean) / SCALE)]
        for layer, stage in enumerate(self.stages, start=1):
            hidden = after(layer, layers[-1])
            layers.append(stage(F.max_pool2d(hidden, kernel_size=3, stride=2) if layer == 1 else hidden))
        return Features(layers)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut without parameters.

    At stride 2 the first convolution is unpadded and the shortcut is a 2 x 2 mean; the smaller of the two results is
    zero-padded at the right and bottom, and the shortcut with zero channels, as dlib's add_prev does.

    ``dense`` is a block made for ``stride`` 2 at every place instead of every other one. What comes after it reads places
    twice as far apart (``dilation``), and finds there what its weights were made for (the algorithme à trous; Chen et al.
    2018, arXiv 1606.00915). Residuals stay in their place; shortcuts come from half a ``dilation`` up and to the left.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1, dilation: int = 1, dense: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.dilation = dilation
        self.dense = dense
        step, reach = (1, dilation * stride) if dense else (stride, dilation)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, step, padding=dilation if step == 1 else 0, dilation=dilation)
        self.norm1 = nn.BatchNorm2d(channels, EPSILON)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach)
        self.norm2 = nn.BatchNorm2d(channels, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        shortcut = self._shortcut(x)
        height = max(residual.shape[2], shortcut.shape[2])
        width = max(residual.shape[3], shortcut.shape[3])
        channels = residual.shape[1]
        return F.relu(_pad(residual, channels, height, width) + _pad(shortcut, channels, height, width))

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return x
        if not self.dense:
            return F.avg_pool2d(x, 2)
        # Of each place and those before it, as the 2 x 2 mean lies at the start of the unpadded convolution's 3 x 3.
        far = self.dilation
        padded = F.pad(x, (far, 0, far, 0), mode="replicate")
        rows = padded[:, :, far:] + padded[:, :, :-far]
        return (rows[..., far:] + rows[..., :-far]) / 4


class Descriptor(nn.Module):
    """dlib's whole network: RGB chips (B, 3, 150, 150) in [0, 1] to face descriptors (B, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = DlibResNet(large_maps=False, pretrained=False)
        self.rest = nn.Sequential(Block(256, 256), Block(256, 256), Block(256, 256, stride=2))
        self.project = nn.Linear(256, 128, bias=False)
        _load(self, _records(dlib_model(FACE_NETWORK, FACE_NETWORK_SHA256)))

    def forward(self, images: Tensor) -> Tensor:
        return self.project(self.rest(self.trunk(images).layers[-1]).mean(dim=(2, 3)))


def _pad(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    missing = (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1])
    return F.pad(x, missing) if any(missing) else x


@torch.no_grad()
def _load(module: nn.Module, records: Iterator[tuple[str, np.ndarray]]) -> None:
    """Copy the file's records, input to output, into the module's layers in their order. A prefix of the file will do."""
    for layer in module.modules():
        match layer:
            case nn.Conv2d():
                values = _next(records, "con_4", layer.weight.numel() + layer.bias.numel())
                layer.weight.copy_(values[: layer.weight.numel()].view_as(layer.weight))
                layer.bias.copy_(values[layer.weight.numel() :])
            case nn.BatchNorm2d():
                values = _next(records, "affine_", 2 * layer.num_features)
                layer.weight.copy_(values[: layer.num_features])
                layer.bias.copy_(values[layer.num_features :])
                layer.running_mean.zero_()
                layer.running_var.fill_(1 - layer.eps)  # so that evaluation is exactly the affine layer
            case nn.Linear():
                values = _next(records, "fc_2", layer.weight.numel())
                layer.weight.copy_(values.view(layer.in_features, layer.out_features).T)


def _next(records: Iterator[tuple[str, np.ndarray]], kind: str, size: int) -> Tensor:
    found, values = next(records, ("nothing", np.empty(0, np.float32)))
    if (found, values.size) != (kind, size):
        raise InputError(f"{FACE_NETWORK} is not the network expected: {found} of {values.size} for {kind} of {size}")
    return torch.from_numpy(values.copy())


def _records(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The parameter tensors of a dlib network file, as (layer kind, float32 values).

    A record is the layer's name (a length and its bytes) and a tensor: a version, four sizes and little-endian floats.
    Integers are a byte with their length and that many bytes, the lowest first.
    """
    data = path.read_bytes()
    markers = {name: bytes([1, len(name)]) + name.encode() for name in INTEGERS_BEFORE}
    position = 0
    while True:
        places = {name: data.find(marker, position) for name, marker in markers.items()}
        places = {name: place for name, place in places.items() if place >= 0}
        if not places:
            return
        name = min(places, key=places.get)
        position = places[name] + len(markers[name])
        integers = []
        for _ in range(INTEGERS_BEFORE[name] + 5):
            length = data[position]
            integers.append(int.from_bytes(data[position + 1 : position + 1 + length], "little"))
            position += 1 + length
        count = math.prod(integers[-4:])
        yield name, np.frombuffer(data, "<f4", count, position)
        position += 4 * count
