import numpy as np
from scipy.interpolate import RBFInterpolator

from pipeline.ingest.demo.warp import frame_points, spline, warp


def test_spline_agrees_with_scipy():
    rng = np.random.default_rng(0)
    points, values, at = rng.uniform(0, 300, (40, 2)), rng.normal(0, 5, (40, 2)), rng.uniform(0, 300, (50, 2))
    expected = RBFInterpolator(points, values, kernel="thin_plate_spline")(at)
    np.testing.assert_allclose(spline(points, values, at, smoothing=0), expected, atol=1e-4)


def test_affine_motion_is_reproduced_exactly():
    points = np.random.default_rng(1).uniform(0, 300, (40, 2))
    matrix = np.array([[0.1, 0.02], [-0.03, 0.05]])
    np.testing.assert_allclose(spline(points, points @ matrix + 3, points + 1), (points + 1) @ matrix + 3, atol=1e-6)


def test_warp_moves_what_lies_at_the_sources_to_the_targets():
    image = np.zeros((120, 160), np.uint8)
    image[48:53, 68:73] = 255
    sources = np.vstack([[70.0, 50.0], frame_points(image.shape)])
    targets = np.vstack([[82.0, 59.0], frame_points(image.shape)])
    moved = warp(image, sources, targets).astype(float)
    rows, columns = np.indices(moved.shape)
    assert abs((columns * moved).sum() / moved.sum() - 82) < 1
    assert abs((rows * moved).sum() / moved.sum() - 59) < 1


def test_no_movement_gives_back_the_image():
    image = np.random.default_rng(0).integers(0, 256, (50, 40), dtype=np.uint8)
    points = frame_points(image.shape)
    assert warp(image, points, points.copy()) is image


def test_frame_points_lie_evenly_on_the_border():
    points = frame_points((50, 40), per_side=5)
    assert len(np.unique(points, axis=0)) == 20
    assert points.min(axis=0).tolist() == [0, 0]
    assert points.max(axis=0).tolist() == [39, 49]
    on_edge = (points[:, 0] % 39 == 0) | (points[:, 1] % 49 == 0)
    assert on_edge.all()
