import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.packaged_files import dlib_model
from train.models.backbones.dlib_network_file import (
    FACE_NETWORK,
    FACE_NETWORK_SHA256,
    INTEGERS_BEFORE,
    load_records,
    read_records,
)
from train.models.backbones.dlib_resnet import DlibResNet


def integer(value):
    content = value.to_bytes((value.bit_length() + 7) // 8, "little")
    return bytes([len(content)]) + content


def record(kind, sizes, values):
    """A record as dlib writes it: name, integers of the layer, version, sizes, floats."""
    integers = [7] * INTEGERS_BEFORE[kind] + [2, *sizes]
    return bytes([1, len(kind)]) + kind.encode() + b"".join(map(integer, integers)) + np.asarray(values, "<f4").tobytes()


def test_records_are_read_in_the_order_of_the_file_from_its_first_byte_on(tmp_path):
    expected = [
        ("con_4", np.arange(300.0)),
        ("affine_", np.array([1.5, -2.0])),
        ("fc_2", np.arange(6.0)),
        ("con_4", np.array([4.0])),
    ]
    sizes = [(1, 300, 1, 1), (2, 1, 1, 1), (2, 3, 1, 1), (1, 1, 1, 1)]
    path = tmp_path / "network.dat"
    path.write_bytes(
        b"between".join(record(kind, size, values) for (kind, values), size in zip(expected, sizes, strict=True))
    )
    records = list(read_records(path))
    assert [kind for kind, _ in records] == [kind for kind, _ in expected]
    for (_, values), (_, wanted) in zip(records, expected, strict=True):
        np.testing.assert_array_equal(values, wanted)


def test_a_file_without_records_has_none(tmp_path):
    path = tmp_path / "network.dat"
    path.write_bytes(b"no layers in here")
    assert list(read_records(path)) == []


def test_file_of_another_network_is_refused():
    records = read_records(dlib_model(FACE_NETWORK, FACE_NETWORK_SHA256))
    next(records)
    with pytest.raises(InputError, match="not the network expected: affine_ of 64 for con_4 of 4736"):
        load_records(DlibResNet(True, pretrained=False), records)
