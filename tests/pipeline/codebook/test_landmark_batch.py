import numpy as np
import pytest

from pipeline.codebook.geometry import Length
from pipeline.codebook.landmark_batch import LandmarkBatch


def batch(places, sizes, whole_pixels=False):
    """One face with some landmarks given as {landmark: (x, y)}, and the others far away."""
    points = np.full((68, 2, 1), -1000.0)
    for landmark, place in places.items():
        points[landmark, :, 0] = place
    return LandmarkBatch(points, np.array(sizes, float)[:, None], whole_pixels)


def test_lengths_in_every_unit():
    eyes = {**dict.fromkeys(range(36, 42), (10, 20)), **dict.fromkeys(range(42, 48), (40, 60))}
    faces = batch({0: (1, 2), 1: (7, 10), **eyes}, (200, 100))
    expected = [
        ({"px": 3.4}, 3.4),
        ({"width": 0.1}, 20),
        ({"height": 0.1}, 10),
        ({"iod": 0.1}, 5),
        ({"half": [0, 1]}, 5),
        ({"half": [0, 1], "plus": {"iod": 0.1}}, 7.5),
    ]
    for length, pixels in expected:
        assert faces.length(Length.model_validate(length)) == pytest.approx(pixels)
    along = np.array([[-1.0], [0.0]])
    assert faces.length(Length(half=(0, 1)), along) == pytest.approx(-3)
    assert faces.length(Length(half=(0, 1), otherwise=Length(height=0.02)), along) == pytest.approx(2)
