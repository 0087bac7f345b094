import shutil
import sys

import numpy as np
import pytest
import torch

from pipeline.runtime.errors import InputError
from train.export import verification
from train.export.network import ExportedNetwork
from train.models import checkpoint as checkpoints


@pytest.fixture
def network(exported):
    classifier, _ = checkpoints.load(exported.checkpoint)
    return ExportedNetwork(classifier, 64, 28)


def test_random_images_are_in_range_and_repeat():
    one, other = (verification.random_images(2, 30, torch.Generator().manual_seed(0)) for _ in range(2))
    assert one.shape == (2, 3, 30, 30)
    assert 0 <= one.min() < 0.3 < 0.7 < one.max() <= 1
    assert torch.equal(one, other)


def test_a_sound_file_passes(exported, network):
    difference = verification.verify(exported.file, network, verification.samples(network))
    assert 0 < difference <= 1e-5


@pytest.mark.parametrize("damage", [2e-4, torch.nan])
def test_a_file_that_differs_is_refused(exported, network, damage):
    network.classifier.method.linear.bias.data[1] += damage
    with pytest.raises(InputError, match=r"its logits would differ from PyTorch by (0\.0002|nan) in ONNX Runtime"):
        verification.verify(exported.file, network, verification.samples(network))


def test_an_output_that_rounding_decides_is_told_apart(exported, network):
    """A constant map, which is normalised: its cells are the rounding of one number."""
    expected = verification.samples(network)
    for sample in expected:
        sample.outputs["attention"] = torch.rand(sample.outputs["attention"].shape)
    with pytest.raises(InputError, match="rounding alone decides this network's attention, in PyTorch too"):
        verification.verify(exported.file, network, expected)


def test_each_image_has_to_be_either_of_pytorchs():
    """Rounding gives an image other logits in a batch than alone, where a method selects one of two equal cells."""
    expected = np.array([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.0, 4.5]]], np.float32)
    for computed, difference in (([[1, 2], [3, 4.5]], 0), ([[1, 2.5], [3, 4]], 0), ([[1, 2], [3, 4.75]], 0.25)):
        assert verification.largest_difference(expected, np.array(computed, np.float32)) == difference
    assert verification.largest_difference(expected, expected[0, :1]) == np.inf
    assert np.isnan(verification.largest_difference(expected, np.full((2, 2), np.nan, np.float32)))


def test_without_onnx_runtime_nothing_is_compared(exported, network, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert verification.verify(shutil.copy(exported.file, tmp_path), network, verification.samples(network)) is None
