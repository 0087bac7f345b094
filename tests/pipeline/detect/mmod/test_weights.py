import numpy as np
import pytest

from pipeline.detect.mmod.weights import FILTERS, read
from pipeline.faces import dlib_models


@pytest.fixture(scope="module")
def path():
    return dlib_models.packaged(dlib_models.CNN_DETECTOR)


def test_network_has_the_sizes_of_dlib(path):
    network = read(path)
    assert [len(layer.bias) for layer in network.layers] == list(FILTERS)
    assert [(layer.size, layer.stride, layer.padding) for layer in network.layers] == [
        *[(5, 2, 0)] * 3,
        *[(5, 1, 2)] * 3,
        (9, 1, 4),
    ]
    channels = [3, *FILTERS]
    for layer, before in zip(network.layers, channels, strict=False):
        assert layer.weights.shape == (layer.size**2 * before, len(layer.bias))
        assert layer.weights.dtype == layer.bias.dtype == np.float32
    assert network.window == (80, 80)
    np.testing.assert_allclose(network.means, [122.782, 117.001, 104.298], atol=1e-4)


@pytest.mark.parametrize(
    ("part", "other", "problem"),
    [
        (b"loss_mmod_\x01\x01", b"loss_mmod_\x01\x04", "other options"),
        (b"\x01\x2d\x01\x05\x01\x05", b"\x01\x2c\x01\x05\x01\x05", "44 filters"),
    ],
)
def test_another_network_is_refused(path, tmp_path, part, other, problem):
    data = path.read_bytes()
    assert part in data
    (tmp_path / "other.dat").write_bytes(data.replace(part, other))
    with pytest.raises(ValueError, match=problem):
        read(tmp_path / "other.dat")
