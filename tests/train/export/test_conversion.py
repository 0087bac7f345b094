import pytest
import torch
import torch.nn.functional as F

from pipeline.runtime.errors import InputError
from train.export.conversion import convert, resizing
from train.export.network import ExportedNetwork
from train.models import checkpoint as checkpoints


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("before", "after"), [((14, 9), (28, 28)), ((28, 41), (28, 7))])
def test_resizing_is_a_product_of_matrices(before, after, align_corners):
    maps = torch.rand(2, 1, *before)
    rows, columns = (resizing(*sides, align_corners) for sides in zip(before, after, strict=True))
    expected = F.interpolate(maps, size=after, mode="bilinear", align_corners=align_corners, antialias=True)
    torch.testing.assert_close(rows @ maps @ columns.T, expected, atol=1e-6, rtol=0)


def test_a_network_that_cannot_be_converted_is_one_line(packages, save, monkeypatch):
    classifier, _ = checkpoints.load(save())
    network = ExportedNetwork(classifier, 64, 28)
    monkeypatch.setattr(classifier, "forward", torch.linalg.eig)
    with pytest.raises(InputError, match=r"^mine cannot be exported \(.+\): use another train\.backbone$") as caught:
        convert(network, "mine")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_batch_of_one_size_only_is_refused(packages, save, monkeypatch):
    """A convolution over the whole batch, say: the file must take any number of images."""
    classifier, _ = checkpoints.load(save())
    network, forward = ExportedNetwork(classifier, 64, 28), classifier.forward
    monkeypatch.setattr(classifier, "forward", lambda images: forward(images + images.view(2, -1).mean()))
    with pytest.raises(InputError, match="mine cannot be exported"):
        convert(network, "mine")
