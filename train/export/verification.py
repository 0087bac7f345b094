"""Compare an exported file, as ONNX Runtime computes it, with PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.runtime.errors import InputError
from train.export.network import INPUT, ExportedNetwork

TOLERANCE = 1e-4  # largest difference of any number of any output
BATCHES = (1, 3)  # numbers of images
BLOB_SIZE = 1 / 8  # of the side, of the light and dark areas of a random image


@dataclass(frozen=True)
class Sample:
    """Random images, and the outputs of PyTorch for them by their names."""

    images: Tensor  # (B, 3, S, S)
    outputs: dict[str, Tensor]


@torch.no_grad()
def samples(network: ExportedNetwork) -> list[Sample]:
    """Run a network on batches of random images."""
    generator = torch.Generator().manual_seed(0)
    batches = [random_images(number, network.input_size, generator) for number in BATCHES]
    return [Sample(images, dict(zip(network.output_names, network(images), strict=True))) for images in batches]


def verify(path: Path, network: ExportedNetwork, expected: list[Sample]) -> float | None:
    """Compare the outputs of an exported file with those of PyTorch.

    Args:
        path: The file.
        network: The network that the file was made of.
        expected: Its samples.

    Returns:
        The largest difference of any number, or None if ONNX Runtime is not installed.

    Raises:
        InputError: If an output differs by more than TOLERANCE.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for sample in expected:
        computed = session.run(list(sample.outputs), {INPUT: sample.images.numpy()})
        for name, values in zip(sample.outputs, computed, strict=True):
            worst = max(worst, _checked(name, sample, values, network))
    return worst


def _checked(name: str, sample: Sample, computed: np.ndarray, network: ExportedNetwork) -> float:
    """The difference of an output from PyTorch's. Raises InputError if it is beyond TOLERANCE, or not a number."""
    difference = _difference(sample.outputs[name].numpy(), computed)
    if difference <= TOLERANCE:
        return difference
    raise InputError(
        f"no file was written, because its {name} would differ from PyTorch by {difference:.2g} in ONNX Runtime: "
        + _fix(name, sample, network)
    )


def _difference(expected: np.ndarray, computed: np.ndarray) -> float:
    return float(np.abs(expected - computed).max()) if expected.shape == computed.shape else np.inf


@torch.no_grad()
def _fix(name: str, sample: Sample, network: ExportedNetwork) -> str:
    """The fix of an output that differs. Where PyTorch differs from itself at another precision, no version helps."""
    outputs = dict(zip(network.output_names, network.double()(sample.images.double()), strict=True))
    if _difference(sample.outputs[name].numpy(), outputs[name].numpy()) <= TOLERANCE:
        return "install the versions that the tests passed with (pip install -c constraints.txt -e '.[export]')"
    return f"rounding alone decides this network's {name}, in PyTorch too: train longer, or use another train.backbone"


def random_images(number: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw images (number, 3, size, size) in [0, 1]: blobs and some noise, since noise alone makes flat maps."""
    side = max(2, round(size * BLOB_SIZE))
    blobs = F.interpolate(torch.rand(number, 3, side, side, generator=generator), size=size, mode="bilinear")
    return 0.8 * blobs + 0.2 * torch.rand(number, 3, size, size, generator=generator)
