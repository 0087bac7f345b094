"""The network: a score for each place of an image. Windows become rows of a matrix, so that the BLAS does the work."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.detect.mmod.weights import Layer

BAND = 2**20  # bytes of windows that are copied at a time: as fast as all at once, and a large image needs no more memory


def scores(image: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """Compute the scores of an image.

    Args:
        image: The image (h, w, channels), float32.
        layers: The layers. Between two of them, negative values become zero.

    Returns:
        Scores (height, width), float32; without a row or column if a window is larger than the image.
    """
    for layer in layers[:-1]:
        image = convolve(image, layer)
        np.maximum(image, 0, out=image)
    return convolve(image, layers[-1])[..., 0]


def convolve(image: np.ndarray, layer: Layer) -> np.ndarray:
    """Apply a layer.

    Args:
        image: The image (h, w, channels), float32.
        layer: The layer.

    Returns:
        The image (height, width, filters), float32.
    """
    size, stride, channels, filters = layer.size, layer.stride, image.shape[2], len(layer.bias)
    image = _padded(image, layer.padding)
    if min(image.shape[:2]) < size:
        return np.zeros((0, 0, filters), np.float32)
    rows = image.reshape(len(image), -1)  # a window is a block of this matrix
    windows = sliding_window_view(rows, (size, size * channels))[::stride, :: stride * channels]
    result = np.empty((*windows.shape[:2], filters), np.float32)
    step = max(1, BAND // windows[0].nbytes)
    for start in range(0, len(windows), step):
        band = slice(start, start + step)
        np.matmul(windows[band].reshape(-1, len(layer.weights)), layer.weights, out=result[band].reshape(-1, filters))
    result += layer.bias
    return result


def _padded(image: np.ndarray, around: int) -> np.ndarray:
    """The image with zeros around it. ``np.pad`` would take a tenth of the detector's time."""
    if not around:
        return image
    height, width, channels = image.shape
    padded = np.zeros((height + 2 * around, width + 2 * around, channels), np.float32)
    padded[around:-around, around:-around] = image
    return padded


def input_place(place: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """Map places of the scores to the centres of their windows in the image (map_output_to_input in dlib/dnn/layers.h).

    Args:
        place: Places (n, 2), whole numbers.
        layers: The layers.

    Returns:
        Places (n, 2) in pixels of the image.
    """
    for layer in reversed(layers):
        place = place * layer.stride - layer.padding + layer.size // 2
    return place
