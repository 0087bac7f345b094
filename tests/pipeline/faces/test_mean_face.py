import numpy as np
import pytest

from pipeline.faces.mean_face import mean_face

# iBUG 300-W's numbers, from 0: each point of the subject's right side, then its mirror image.
PAIRS = [(0, 16), (8, 8), (17, 26), (21, 22), (27, 27), (33, 33), (36, 45), (39, 42), (48, 54), (51, 51), (60, 64), (66, 66)]


def test_points_lie_in_the_crop():
    points = mean_face()
    assert points.shape == (68, 2)
    assert points.dtype == float
    assert (points > 0).all()
    assert (points < 1).all()


def test_face_is_symmetric():
    points = mean_face()
    for right, left in PAIRS:
        np.testing.assert_allclose(points[right] + points[left] * (1, -1), (1, 0), atol=2e-4)


def test_face_is_upright():
    brows, eyes, nose, mouth, chin = (
        mean_face()[part, 1].mean() for part in (range(17, 27), range(36, 48), 30, range(48, 60), 8)
    )
    assert brows < eyes < nose < mouth < chin


def test_array_is_shared_and_cannot_be_changed():
    assert mean_face() is mean_face()
    with pytest.raises(ValueError, match="read-only"):
        mean_face()[0] = 0
