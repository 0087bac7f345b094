"""Compare an exported file, as ONNX Runtime computes it, with PyTorch.

Some methods select cells (prm, acol, apvit). Where two cells are almost equal, rounding decides between them, and PyTorch
may give an image other logits in a batch than alone. So the outputs of an image have to be either of PyTorch's.
"""

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
    outputs: dict[str, Tensor]  # (2, B, ...): in one batch, and one by one


@torch.no_grad()
def samples(network: ExportedNetwork) -> list[Sample]:
    """Run a network on batches of random images."""
    generator = torch.Generator().manual_seed(0)
    batches = [random_images(number, network.input_size, generator) for number in BATCHES]
    return [Sample(images, outputs(network, images)) for images in batches]


def outputs(network: ExportedNetwork, images: Tensor) -> dict[str, Tensor]:
    """Compute the outputs of PyTorch (2, B, ...) for images (B, 3, S, S): in one batch, and one by one."""
    singly = [torch.cat(parts) for parts in zip(*(network(image) for image in images.split(1)), strict=True)]
    together = network(images)
    return {name: torch.stack(pair) for name, *pair in zip(network.output_names, together, singly, strict=True)}


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
    difference = largest_difference(sample.outputs[name].numpy(), computed)
    if difference <= TOLERANCE:
        return difference
    raise InputError(
        f"no file was written, because its {name} would differ from PyTorch by {difference:.2g} in ONNX Runtime: "
        + _fix(name, sample, network)
    )


def largest_difference(expected: np.ndarray, computed: np.ndarray) -> float:
    """Compare outputs (B, ...) with those of PyTorch (2, B, ...), for each image with the closer one."""
    if expected.shape[1:] != computed.shape:
        return np.inf
    of_images = np.abs(expected - computed).reshape(*expected.shape[:2], -1).max(axis=2)
    return float(of_images.min(axis=0).max())


@torch.no_grad()
def _fix(name: str, sample: Sample, network: ExportedNetwork) -> str:
    """The fix of an output that differs. Where PyTorch differs from itself at another precision, no version helps."""
    exact = outputs(network.double(), sample.images.double())[name][0]
    if largest_difference(sample.outputs[name].numpy(), exact.numpy()) <= TOLERANCE:
        return "install the versions that the tests passed with (pip install -c constraints.txt -e '.[export]')"
    return f"rounding alone decides this network's {name}, in PyTorch too: train longer, or use another train.backbone"


def random_images(number: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw images (number, 3, size, size) in [0, 1]: blobs and some noise, since noise alone makes flat maps."""
    side = max(2, round(size * BLOB_SIZE))
    blobs = F.interpolate(torch.rand(number, 3, side, side, generator=generator), size=size, mode="bilinear")
    return 0.8 * blobs + 0.2 * torch.rand(number, 3, size, size, generator=generator)
