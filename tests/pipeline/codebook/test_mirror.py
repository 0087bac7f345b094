import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.bench.random_faces import random_faces
from pipeline.codebook.draw import SIDE, mean_landmarks
from pipeline.codebook.geometry import Ellipse, Gaussian, Polygon
from pipeline.codebook.mirror import MIRRORED, mirror_shape
from pipeline.heatmaps.stage import render


def test_table_exchanges_the_sides():
    assert sorted(MIRRORED) == list(range(68))
    assert all(MIRRORED[MIRRORED[i]] == i for i in range(68))
    assert [i for i in range(68) if MIRRORED[i] == i] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_table_is_that_of_a_face():
    face = mean_landmarks()
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
        assert mirror_shape(mirror_shape(shape)) == shape
        assert mirror_shape(shape) != shape


SHAPES = [
    "ellipse: {centre: {x: [36], y: [17]}, rx: {px: 20}, ry: {px: 9}, offset: {x: {half: [36, 41], plus: {px: 9}}}}",
    "ellipse: {centre: [41], rx: {half: [17, 21]}, ry: {half: [19, 41], plus: {iod: 0.1}}, offset: {x: {iod: -0.4}}}",
    "ellipse: {centre: [48], rx: {px: 30}, ry: {px: 9}, rotation: [4, 48], offset: {x: {px: 20}, y: {px: 15}}}",
    "ellipse: {centre: [31], rx: {px: 30}, ry: {px: 9}, rotation: face, offset: {x: {px: -20}, y: {px: 15}}}",
    "polygon: {through: [0, 3, 48, 31, 39], dilate: {half: [36, 37]}}",
    "gaussian: {at: [0, 17, 60], sigma: {half: [48, 59]}}",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_left_of_a_mirrored_face_is_the_mirrored_right(tmp_path, rng, shape):
    (tmp_path / "book.yaml").write_text(f"""
name: book
version: 1
source: a test
reference_size: 224
render: {{combine: max, edge: {{px: 10}}}}
expressions: {{right: [1R], left: [1L], both: [1]}}
regions: {{1: {{name: One, mirror: true, shapes: [{shape}]}}}}
""")
    book = codebooks.load(tmp_path / "book.yaml")
    faces = random_faces(20, rng) * SIDE
    other = faces[:, list(MIRRORED)] * [-1, 1] + [SIDE - 1, 0]
    sizes = np.full((20, 2), SIDE)
    for side, opposite in [("right", "left"), ("left", "right"), ("both", "both")]:
        maps, has_map = render(faces, [side] * 20, sizes, book)
        mirrored_maps, _ = render(other, [opposite] * 20, sizes, book)
        assert has_map.any()
        np.testing.assert_allclose(mirrored_maps[:, :, ::-1], maps, atol=1e-5)
    right, left = (render(faces, [side] * 20, sizes, book)[0] for side in ("right", "left"))
    assert np.abs(right - left).max() > 0.5
