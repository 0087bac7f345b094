import cv2
import numpy as np
import pytest

from pipeline.codebook import shapes
from pipeline.codebook.geometry import Ellipse, Gaussian, Length, Polygon
from pipeline.codebook.grid import Grid
from pipeline.codebook.landmark_batch import LandmarkBatch

SIDE = 64


def faces_of(points, whole_pixels=False):
    """One face a row of ``points`` {landmark: (x, y)}, the other landmarks spread far around."""
    all_points = np.full((68, 2, len(points)), -1000.0)
    for index, given in enumerate(points):
        for landmark, place in given.items():
            all_points[landmark, :, index] = place
    return LandmarkBatch(all_points, np.full((2, len(points)), float(SIDE)), whole_pixels)


def values_of(shape, faces, edge=None, combine=np.maximum):
    """Values (N, SIDE, SIDE) at every pixel, none of which lies outside the window that the shape is said to lie in."""
    pixels = np.arange(SIDE, dtype=float)[:, None]
    number = faces.sizes.shape[1]
    values = np.zeros((SIDE, SIDE, number), np.float32)
    width = None if edge is None else np.full(number, float(edge))
    window = shapes.draw(values, shape, faces, Grid(pixels, pixels), width, combine)
    outside = values.copy()
    outside[window] = 0
    assert not outside.any()
    return np.moveaxis(values, -1, 0)


def ellipse(rx, ry, **more):
    return Ellipse.model_validate({"centre": [0], "rx": rx, "ry": ry, **more})


def canvas(draw):
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    draw(drawn)
    return drawn


@pytest.mark.parametrize("radii", [(0, 0), (1, 0), (0, 7), (3, 3), (20, 5), (5, 20), (40, 40), (17, 29), (90, 3)])
def test_whole_pixels_are_those_that_opencv_fills(radii, rng):
    centres = rng.integers(-30, SIDE + 30, (40, 2))
    shape = ellipse({"px": radii[0]}, {"px": radii[1]})
    values = values_of(shape, faces_of([{0: centre} for centre in centres], whole_pixels=True))
    for ours, (x, y) in zip(values, centres.tolist(), strict=True):
        expected = canvas(lambda image, x=x, y=y: cv2.ellipse(image, (x, y), radii, 0, 0, 360, 1, -1))
        np.testing.assert_array_equal(ours, expected)


def test_every_face_has_its_own_radii(rng):
    given = [{0: (30, 30), 1: (30, 30), 2: place} for place in rng.integers(25, 60, (30, 2))]
    shape = ellipse({"half": [1, 2], "otherwise": {"px": 4}}, {"half": [1, 2], "plus": {"px": 10}})
    values = values_of(shape, faces_of(given, whole_pixels=True))
    for ours, face in zip(values, given, strict=True):
        width, height = int((face[2][0] - 30) / 2), int((face[2][1] - 30 + 10) / 2)
        radii = (width if width > 0 else 4, height)
        np.testing.assert_array_equal(ours, canvas(lambda image, r=radii: cv2.ellipse(image, (30, 30), r, 0, 0, 360, 1, -1)))


def test_large_ellipses_are_those_of_opencv_to_a_pixel():
    shape = ellipse({"px": 300}, {"px": 270})
    (ours,) = values_of(shape, faces_of([{0: (-250, 20)}], whole_pixels=True))
    theirs = canvas(lambda image: cv2.ellipse(image, (-250, 20), (300, 270), 0, 0, 360, 1, -1))
    assert np.abs(ours.sum(axis=1) - theirs.sum(axis=1)).max() <= 1


def test_negative_radius_is_not_drawn():
    shape = ellipse({"half": [1, 2]}, {"px": 5})
    values = values_of(shape, faces_of([{0: (30, 30), 1: (40, 0), 2: (30, 0)}], whole_pixels=True))
    assert not values.any()


@pytest.mark.parametrize("turn", [0.0, 0.4, -1.2, np.pi / 2])
def test_soft_ellipse_is_half_at_its_border_and_falls_along_the_edge(turn):
    pair = {1: (0, 0), 2: (10 * np.cos(turn), 10 * np.sin(turn))}
    shape = ellipse({"px": 18}, {"px": 9}, rotation=[1, 2])
    (values,) = values_of(shape, faces_of([{0: (31.5, 31.5), **pair}]), edge=4)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    for axis, radius in [(along, 18), (-along, 18), (across, 9), (-across, 9)]:
        for away, expected in [(-3, 1), (0, 0.5), (3, 0)]:
            x, y = 31.5 + axis * (radius + away)
            assert bilinear(values, x, y) == pytest.approx(expected, abs=0.13)
    assert values[31, 31] == 1


def bilinear(image, x, y):
    return float(cv2.getRectSubPix(image, (1, 1), (x, y))[0, 0])


def test_offset_runs_along_the_shapes_own_axes():
    shape = ellipse({"px": 3}, {"px": 3}, rotation=[1, 2], offset={"x": {"px": 10}, "y": {"px": 5}})
    (values,) = values_of(shape, faces_of([{0: (30, 30), 1: (0, 0), 2: (0, 9)}]), edge=1)  # x points down, y left
    rows, columns = np.indices(values.shape)
    assert (rows * values).sum() / values.sum() == pytest.approx(40, abs=0.1)
    assert (columns * values).sum() / values.sum() == pytest.approx(25, abs=0.1)


def test_rotation_with_the_face_follows_the_eyes():
    eyes = {**dict.fromkeys(range(36, 42), (20, 20)), **dict.fromkeys(range(42, 48), (20, 44))}
    shape = ellipse({"iod": 0.5}, {"px": 3}, rotation="face")
    (values,) = values_of(shape, faces_of([{0: (32, 32), **eyes}]), edge=1)
    inside = values > 0.5
    assert inside.any(axis=1).sum() == pytest.approx(24, abs=2)  # 12 to either side of the centre, down the image
    assert inside.any(axis=0).sum() == pytest.approx(6, abs=1)


@pytest.mark.parametrize("edge", [None, 1])
@pytest.mark.parametrize("dilate", [0, 4.5])
def test_polygon_is_that_of_opencv(rng, dilate, edge):
    for _ in range(10):
        corners = rng.integers(5, SIDE - 5, (5, 2))
        shape = Polygon(through=(0, 1, 2, 3, 4), dilate=Length(px=dilate))
        (values,) = values_of(shape, faces_of([dict(enumerate(corners))]), edge=edge)
        filled = canvas(lambda image, corners=corners: cv2.fillPoly(image, [corners], 1))  # even-odd, as ours
        outside = cv2.distanceTransform(1 - filled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        inside = cv2.distanceTransform(filled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        sure = (outside > dilate + 1.8) | (inside > 1.8)
        assert ((values > 0.5) != (inside > 0))[sure].mean() < 0.002  # OpenCV closes gaps thinner than a pixel
        assert sure.mean() > 0.5


def test_polygon_of_one_landmark_is_a_disc_and_of_two_a_capsule():
    disc = values_of(Polygon(through=(0,), dilate=Length(px=10)), faces_of([{0: (31.5, 31.5)}]), edge=1)
    assert disc.sum() == pytest.approx(np.pi * 100, rel=0.01)
    capsule = values_of(Polygon(through=(0, 1), dilate=Length(px=5)), faces_of([{0: (20, 31), 1: (40, 31)}]), edge=1)
    assert capsule.sum() == pytest.approx(np.pi * 25 + 200, rel=0.01)


def test_gaussian_has_its_sigma_and_ends_at_three():
    (values,) = values_of(Gaussian(at=(0,), sigma=Length(px=5)), faces_of([{0: (32, 32)}]), edge=1)
    assert values[32, 32] == 1
    assert values[32, 37] == pytest.approx(np.exp(-0.5), abs=0.01)
    assert values[32, 46] > 0
    assert values[32, 47:].max() == 0


@pytest.mark.parametrize(
    "shape",
    [
        ellipse({"px": 3}, {"px": 3}),
        ellipse({"px": 3}, {"px": 3}, rotation=[1, 2]),
        Polygon(through=(0,), dilate=Length(px=3)),
        Gaussian(at=(0,), sigma=Length(px=1)),
    ],
)
@pytest.mark.parametrize(("place", "reaches"), [((-2, 30), True), ((-4, 30), False), ((65, 30), True), ((30, 67), False)])
def test_shapes_outside_the_frame_are_not_drawn(shape, place, reaches):
    assert values_of(shape, faces_of([{0: place}]), edge=1).any() == reaches


def test_faces_do_not_disturb_each_other(rng):
    """A face that is not in the frame, or has no radius, leaves the others of its batch as they are."""
    given = [
        {0: (30, 30), 1: (0, 0), 2: (12, 9)},
        {0: (9999, 30), 1: (0, 0), 2: (14, 9)},
        {0: (5, 60), 1: (9, 9), 2: (0, 0)},
    ]
    for shape in (ellipse({"half": [1, 2]}, {"px": 7}), ellipse({"half": [1, 2]}, {"px": 7}, rotation=[1, 2])):
        for whole_pixels, edge in [(True, None), (False, 3)]:
            together = values_of(shape, faces_of(given, whole_pixels), edge)
            for index, face in enumerate(given):
                (alone,) = values_of(shape, faces_of([face], whole_pixels), edge)
                np.testing.assert_array_equal(together[index], alone)


@pytest.mark.parametrize("whole_pixels", [True, False])
@pytest.mark.parametrize("turn", [None, 0.0, 0.5, 1.2])
@pytest.mark.parametrize("radii", [(40, 0), (60, 1), (300, 2), (20, 18)])
def test_thin_shapes_end_where_they_do_alone(rng, whole_pixels, turn, radii):
    """Not farther where another face makes the window larger, nor where it lies outside of every frame."""
    rotation = {} if turn is None else {"rotation": [1, 2]}
    shape = ellipse({"px": radii[0]}, {"px": radii[1]}, **rotation)
    axis = {1: (0, 0), 2: (100 * np.cos(turn or 0), 100 * np.sin(turn or 0))}
    given = [{0: (1e5, 1e5), **axis}] + [{0: place, **axis} for place in rng.integers(0, SIDE, (6, 2)).tolist()]
    together = values_of(shape, faces_of(given, whole_pixels), None if whole_pixels else 3)
    for face, values in zip(given, together, strict=True):
        (alone,) = values_of(shape, faces_of([face], whole_pixels), None if whole_pixels else 3)
        np.testing.assert_array_equal(values, alone)


@pytest.mark.parametrize("turn", [0.3, 1.0, -0.6])
def test_turned_whole_pixels_are_those_of_opencv_to_its_border(turn):
    shape = ellipse({"px": 25}, {"px": 10}, rotation=[1, 2])
    pair = {1: (0, 0), 2: (1000 * np.cos(turn), 1000 * np.sin(turn))}
    (ours,) = values_of(shape, faces_of([{0: (32, 30), **pair}], whole_pixels=True))
    (square,) = values_of(Polygon(through=(0, 1, 2)), faces_of([{0: (10, 10), 1: (50, 20), 2: (20, 50)}], whole_pixels=True))
    degrees = np.degrees(turn)
    theirs = canvas(lambda image: cv2.ellipse(image, (32, 30), (25, 10), degrees, 0, 360, 1, -1))
    triangle = canvas(lambda image: cv2.fillPoly(image, [np.array([(10, 10), (50, 20), (20, 50)])], 1))
    for drawn, expected in [(ours, theirs), (square, triangle)]:
        assert (drawn != expected).sum() < 0.06 * expected.sum()
        border = cv2.dilate(expected, np.ones((3, 3))) - cv2.erode(expected, np.ones((3, 3)))
        assert not (drawn != expected)[border == 0].any()


def test_whole_pixels_far_out_in_a_large_frame():
    pixels = np.arange(19950, 20050, dtype=float)[:, None]
    faces = LandmarkBatch(np.full((68, 2, 1), 20000.0), np.full((2, 1), 32767.0), whole_pixels=True)
    values = np.zeros((100, 100, 1), bool)
    shapes.draw(values, ellipse({"px": 20}, {"px": 9}), faces, Grid(pixels, pixels), None, np.maximum)
    drawn = np.zeros((100, 100), np.uint8)
    cv2.ellipse(drawn, (50, 50), (20, 9), 0, 0, 360, 1, -1)
    np.testing.assert_array_equal(values[:, :, 0], drawn)


def test_faces_out_of_sight_do_not_widen_the_window():
    faces = faces_of([{0: (1e5, 5)}, {0: (30, 30)}], whole_pixels=True)
    pixels = np.arange(SIDE, dtype=float)[:, None]
    values = np.zeros((SIDE, SIDE, 2), bool)
    window = shapes.draw(values, ellipse({"px": 4}, {"px": 4}), faces, Grid(pixels, pixels), None, np.maximum)
    assert window == (slice(26, 35), slice(26, 35))


def test_combining_adds_or_takes_the_larger():
    faces = faces_of([{0: (32, 32)}])
    shape = Polygon(through=(0,), dilate=Length(px=10))
    pixels = np.arange(SIDE, dtype=float)[:, None]
    values = np.full((SIDE, SIDE, 1), 0.25, np.float32)
    shapes.draw(values, shape, faces, Grid(pixels, pixels), np.ones(1), np.add)
    assert values[32, 32, 0] == 1.25
    shapes.draw(values, shape, faces, Grid(pixels, pixels), np.ones(1), np.maximum)
    assert values[32, 32, 0] == 1.25
    assert values[0, 0, 0] == 0.25


def test_half_of_an_offset_is_measured_along_its_own_axis():
    shape = ellipse({"px": 3}, {"px": 3}, offset={"x": {"half": [1, 2]}, "y": {"half": [1, 2]}})
    (values,) = values_of(shape, faces_of([{0: (30, 30), 1: (0, 0), 2: (8, 20)}]), edge=1)
    rows, columns = np.indices(values.shape)
    assert (columns * values).sum() / values.sum() == pytest.approx(34, abs=0.1)
    assert (rows * values).sum() / values.sum() == pytest.approx(40, abs=0.1)
