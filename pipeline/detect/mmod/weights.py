"""Read dlib's CNN face detector from the file ``mmod_human_face_detector.dat``."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILTERS = (16, 32, 32, 45, 45, 45, 1)  # of each layer (tools/python/src/cnn_face_detector.cpp)
TENSOR = 2  # version of the form in which dlib writes a tensor


@dataclass(frozen=True)
class Layer:
    """A convolution, with the batch normalisation behind it folded in."""

    weights: np.ndarray  # (size * size * channels, filters) float32: by row, column and channel of the window
    bias: np.ndarray  # (filters,) float32
    size: int  # of the square window
    stride: int
    padding: int  # zeros around the image


@dataclass(frozen=True)
class Network:
    """The detector: its layers and the options that it was trained with."""

    layers: tuple[Layer, ...]
    means: np.ndarray  # (3,) float32: the mean red, green and blue of a photo, of 255
    window: tuple[int, int]  # width and height of a face, in pixels of a level of the pyramid
    overlap: float  # two boxes that overlap more show the same face


def read(path: Path) -> Network:
    """Read the detector.

    Args:
        path: dlib's file, as ``dlib_models.packaged`` returns it: with the content that dlib published.

    Raises:
        ValueError: If the file is of another network, or of a later form.
    """
    return _network(_Cursor(path.read_bytes()))


class _Cursor:
    """A place in dlib's data, which moves on with each value that is read (dlib/serialize.h)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def skip_to(self, name: bytes) -> None:
        """Go behind the next text that is ``name``."""
        self._place = self._data.index(bytes([1, len(name)]) + name, self._place) + 2 + len(name)

    def integer(self) -> int:
        """Read an integer: a byte with the sign and the number of bytes, then these bytes, the lowest first."""
        form = self._data[self._place]
        end = self._place + 1 + (form & 0x0F)
        value = int.from_bytes(self._data[self._place + 1 : end], "little")
        self._place = end
        return -value if form & 0x80 else value

    def integers(self, number: int) -> list[int]:
        """Read some integers."""
        return [self.integer() for _ in range(number)]

    def real(self) -> float:
        """Read a real number: the integers m and e of m * 2**e (dlib/float_details.h)."""
        mantissa, exponent = self.integers(2)
        return math.ldexp(mantissa, exponent)

    def tensor(self) -> np.ndarray:
        """Read the values of a tensor: its version, its four lengths, then float32 (dlib/dnn/tensor.h)."""
        version, *lengths = self.integers(5)
        if version != TENSOR:
            raise ValueError(f"a tensor of version {version}")
        values = np.frombuffer(self._data, "<f4", math.prod(lengths), self._place)
        self._place += values.nbytes
        return values.astype(np.float64)


def _network(cursor: _Cursor) -> Network:
    """The options of the loss, the means of the input, and the layers, in the order of the file."""
    cursor.skip_to(b"loss_mmod_")
    version, width, height = cursor.integers(3)  # mmod_options in dlib/dnn/loss.h
    *_, overlap, covered = (cursor.real() for _ in range(5))
    if (version, covered) != (1, 1.0):  # other options have more windows, or more conditions for one face
        raise ValueError("other options")
    cursor.skip_to(b"input_rgb_image_pyramid")
    means = np.array([cursor.real() for _ in range(3)], np.float32)
    layers = [_layer(cursor, filters, last=filters == FILTERS[-1]) for filters in FILTERS]
    return Network(tuple(layers), means, (width, height), overlap)


def _layer(cursor: _Cursor, filters: int, *, last: bool) -> Layer:
    """The next convolution (con_ in dlib/dnn/layers.h). Behind each but the last is a batch normalisation."""
    cursor.skip_to(b"con_4")
    parameters = cursor.tensor()
    number, size, _, stride, _, padding, _ = cursor.integers(7)
    if number != filters:
        raise ValueError(f"{number} filters")
    weights, bias = parameters[:-filters].reshape(filters, -1, size, size), parameters[-filters:]
    if not last:
        gain, shift = _normalisation(cursor)
        weights, bias = weights * gain[:, None, None, None], bias * gain + shift
    by_place = weights.transpose(2, 3, 1, 0).reshape(-1, filters)
    return Layer(by_place.astype(np.float32), bias.astype(np.float32), size, stride, padding)


def _normalisation(cursor: _Cursor) -> tuple[np.ndarray, np.ndarray]:
    """The gain and shift of the next batch normalisation (affine_ from bn_ in dlib/dnn/layers.h), by filter."""
    cursor.skip_to(b"bn_con2")
    gain, shift = np.split(cursor.tensor(), 2)
    cursor.integers(10)  # the lengths of gain and shift
    _, _, means, variances = (cursor.tensor() for _ in range(4))  # the first two are of the last batch of the training
    cursor.integers(2)
    *_, epsilon = (cursor.real() for _ in range(5))
    gain = gain / np.sqrt(variances + epsilon)
    return gain, shift - gain * means
