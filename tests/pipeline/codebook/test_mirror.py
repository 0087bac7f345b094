import numpy as np

from pipeline.codebook.draw import SIDE, mean_face
from pipeline.codebook.mirror import MIRRORED, mirrored
from pipeline.codebook.schema import Ellipse, Gaussian, Polygon


def test_table_exchanges_the_sides():
    assert sorted(MIRRORED) == list(range(68))
    assert all(MIRRORED[MIRRORED[i]] == i for i in range(68))
    assert [i for i in range(68) if MIRRORED[i] == i] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_table_is_that_of_a_face():
    face = mean_face()
    other = face[list(MIRRORED)] * [-1, 1] + [SIDE - 1, 0]
    np.testing.assert_allclose(other, face, atol=0.05)


def test_mirroring_twice_is_nothing():
    length = {"half": [36, 39], "plus": {"px": 3}, "otherwise": {"iod": 0.1}}
    offset = {"x": {"half": [0, 16], "plus": {"px": 3}}, "y": {"px": -2}}
    for shape in (
        Ellipse.model_validate({"centre": {"x": [36, 40], "y": [17]}, "rx": length, "ry": length, "offset": offset}),
        Ellipse.model_validate({"centre": [5], "rx": length, "ry": length, "rotation": [36, 39], "inside": "left"}),
        Polygon.model_validate({"through": [3, 1, 2], "dilate": length}),
        Gaussian.model_validate({"at": [60, 17], "sigma": length}),
    ):
        assert mirrored(mirrored(shape)) == shape
        assert mirrored(shape) != shape
