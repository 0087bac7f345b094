import numpy as np
import pytest

from pipeline.detect.mmod import network
from pipeline.detect.mmod.weights import Layer


def layer(size, stride, padding, channels, filters, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(size * size * channels, filters)).astype(np.float32)
    return Layer(weights, rng.normal(size=filters).astype(np.float32), size, stride, padding)


def slowly(image, layer):
    """A convolution as its definition has it."""
    padding, size = layer.padding, layer.size
    image = np.pad(image.astype(float), ((padding, padding), (padding, padding), (0, 0)))
    rows = range(0, image.shape[0] - size + 1, layer.stride)
    columns = range(0, image.shape[1] - size + 1, layer.stride)
    windows = [[image[row : row + size, column : column + size].ravel() for column in columns] for row in rows]
    return np.array(windows) @ layer.weights + layer.bias


SHAPES = [(5, 2, 0, 3, 4), (5, 1, 2, 4, 5), (9, 1, 4, 2, 1), (3, 3, 1, 2, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(9, 9), (10, 13), (23, 6), (5, 31)])
@pytest.mark.parametrize("band", [1, network.BAND])
def test_convolution_follows_its_definition(monkeypatch, shape, size, band):
    monkeypatch.setattr(network, "BAND", band)  # a row at a time, or all at once
    image = np.random.default_rng(1).normal(size=(*size, shape[3])).astype(np.float32)
    expected = slowly(image, layer(*shape))
    result = network.convolve(image, layer(*shape))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_image_smaller_than_the_window_has_no_scores():
    layers = [layer(5, 2, 0, 3, 4), layer(9, 1, 4, 4, 1)]
    assert network.scores(np.zeros((4, 20, 3), np.float32), layers).size == 0


def test_negative_values_between_layers_become_zero():
    layers = [layer(3, 1, 1, 3, 4), layer(3, 1, 1, 4, 2, seed=1)]
    image = np.random.default_rng(2).normal(size=(8, 8, 3)).astype(np.float32)
    between = np.maximum(slowly(image, layers[0]), 0)
    np.testing.assert_allclose(network.scores(image, layers), slowly(between, layers[1])[..., 0], atol=1e-3)


def test_places_are_centres_of_windows():
    layers = [layer(5, 2, 0, 3, 4), layer(5, 2, 0, 4, 4), layer(9, 1, 4, 4, 1)]
    assert network.input_place(np.array([[0, 0], [3, 1]]), layers).tolist() == [[6, 6], [18, 10]]
