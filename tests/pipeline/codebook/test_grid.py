import cv2
import numpy as np
import pytest

from pipeline.codebook.grid import Grid, SamplingGrid, hull


def test_hull_holds_all_but_empty_windows():
    empty = (slice(0, 0), slice(3, 9))
    assert hull([(slice(2, 4), slice(5, 6)), empty, (slice(3, 8), slice(1, 2))]) == (slice(2, 8), slice(1, 6))
    assert hull([empty]) == hull([]) == (slice(0, 0), slice(0, 0))


def test_window_holds_the_points_of_every_face():
    positions = np.arange(10.0)[:, None]
    low, high = np.array([[2.0, 4.5], [1.0, 6.0]]), np.array([[3.0, 5.5], [0.5, 7.0]])  # (2, N): the first face has no row
    assert Grid(positions, positions).window(low, high) == (slice(6, 8), slice(2, 6))


@pytest.mark.parametrize("size", [(224, 224), (100, 60), (28, 40)])
def test_pooling_whole_pixels_is_the_bilinear_shrinking_of_opencv(rng, size):
    image = rng.random(size[::-1]).astype(np.float32)
    sampling = SamplingGrid.create(14, np.array(size, float)[:, None], whole_pixels=True)
    rows, columns = sampling.grid.y[:, 0].astype(int), sampling.grid.x[:, 0].astype(int)
    pooled = sampling.pool(image[np.ix_(rows, columns)][..., None], (slice(2, 14), slice(0, 9)))
    expected = cv2.resize(image, (14, 14), interpolation=cv2.INTER_LINEAR)[2:14, :9]
    factor = 4 if sampling.weights is None else 1
    np.testing.assert_allclose(pooled[..., 0], factor * expected, atol=1e-5)


def test_cells_of_a_window_read_all_of_it():
    sampling = SamplingGrid.create(14, np.full((2, 1), 100.0), whole_pixels=True)
    assert sampling.cells_of((slice(3, 8), slice(0, 28)), margin=0) == (slice(1, 4), slice(0, 14))
    assert sampling.cells_of((slice(3, 8), slice(0, 28)), margin=2) == (slice(0, 6), slice(0, 14))
