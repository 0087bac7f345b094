import numpy as np
import pytest

from pipeline.detect.mmod.weights import FILTERS, read
from pipeline.faces import dlib_models
from pipeline.runtime.errors import InputError


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


@pytest.mark.parametrize("kind", ["empty", "cut", "other model", "no model", "other window", "other layer"])
def test_file_of_something_else_is_named(path, tmp_path, kind):
    data = path.read_bytes()
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(
        {
            "empty": b"",
            "cut": data[:600_000],
            "other model": dlib_models.HOG_DETECTOR.read_bytes(),
            "no model": data[:16].ljust(500_000, b"\xff"),
            "other window": data.replace(b"loss_mmod_\x01\x01", b"loss_mmod_\x01\x04"),
            "other layer": data.replace(b"\x01\x2d\x01\x05\x01\x05", b"\x01\x2c\x01\x05\x01\x05"),
        }[kind]
    )
    with pytest.raises(InputError, match=r"wrong.dat is not dlib's CNN face detector: pip install .*--force-reinstall"):
        read(wrong)
