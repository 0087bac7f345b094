import cv2
import numpy as np
import pytest

from pipeline.landmarks.align import PARTS, TEMPLATE, crop, reduced, scale, similarity, surroundings, transform


def centres(landmarks):
    return np.array([landmarks[part].mean(axis=0) for part in PARTS])


def face(rng):
    """Landmarks whose eyes and mouth lie roughly like a face's."""
    points = rng.normal(0, 3, (68, 2)) + 100
    for part, place in zip(PARTS, TEMPLATE, strict=True):
        points[part] += place * 90 + rng.normal(0, 4, 2)
    return points


@pytest.mark.parametrize("size", [64, 150, 256])
def test_matrix_is_the_least_squares_similarity(rng, size):
    """No small change of rotation, scale or place brings eyes and mouth closer to the template."""
    points = face(rng)
    target = TEMPLATE * size - 0.5

    def miss(matrix):
        return ((transform(centres(points), matrix) - target) ** 2).sum()

    best = similarity(points, size)
    (a, b), (c, d) = best[:, :2]
    assert (a, b) == pytest.approx((d, -c))
    assert np.linalg.det(best[:, :2]) > 0
    for _ in range(200):
        (p, q), shift = rng.normal(0, 1e-3, 2), rng.normal(0, 0.1, (2, 1))
        assert miss(best) <= miss(best + np.hstack([[[p, -q], [q, p]], shift])) + 1e-9


def test_exact_triangle_lands_on_the_template(rng):
    angle, scale = 0.7, 2.3
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.zeros((68, 2))
    for part, place in zip(PARTS, TEMPLATE, strict=True):
        points[part] = turn @ place * 100 + [30, -40]
    np.testing.assert_allclose(transform(centres(points), similarity(points, 256)), TEMPLATE * 256 - 0.5, atol=1e-9)


def test_alignment_does_not_depend_on_how_the_photo_lies(rng):
    points = face(rng)
    aligned = transform(points, similarity(points, 256))
    angle = 1.1
    turn = 0.4 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ turn.T + [300, 20]
    np.testing.assert_allclose(transform(moved, similarity(moved, 256)), aligned, atol=1e-9)


def test_coinciding_points_are_an_error():
    with pytest.raises(ValueError, match="eyes and mouth coincide"):
        similarity(np.full((68, 2), 7.0), 256)


def spot(height, width, x, y, radius):
    image = np.zeros((height, width, 3), np.uint8)
    cv2.circle(image, (x, y), radius, (255, 255, 255), -1, cv2.LINE_AA)
    return image


@pytest.mark.parametrize("scale", [2.0, 1.0, 0.6, 0.49, 0.3, 0.1])
def test_crop_and_landmarks_move_alike(scale):
    """A photo much larger than the crop is shrunk before it is warped: the points must still fit."""
    x, y = 613, 377
    image = spot(901, 1207, x, y, round(8 / min(scale, 1)) + 4)
    angle = 0.3
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, np.array([60.25, 70.5]) - turn @ [x, y]])
    cropped = crop(image, matrix, 128)
    assert cropped.shape == (128, 128, 3)
    weight = cropped[:, :, 0].astype(float)
    rows, columns = np.indices(weight.shape)
    found = (columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()
    assert found == pytest.approx((60.25, 70.5), abs=0.15)


def test_identity_gives_back_the_photo(rng):
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(crop(image, np.eye(2, 3), 64), image)


def test_shrinking_does_not_alias():
    stripes = np.zeros((1000, 1000, 3), np.uint8)
    stripes[:, ::2] = 255
    cropped = crop(stripes, np.array([[0.1, 0, 0], [0, 0.1, 0]]), 100)
    assert np.abs(cropped.astype(int) - 127).max() <= 2


def test_beyond_the_photo_its_border_goes_on():
    image = np.full((20, 20, 3), 50, np.uint8)
    image[:, -1] = 200
    cropped = crop(image, np.array([[1.0, 0, 0], [0, 1.0, 0]]), 64)
    assert (cropped[5, 20:] == 200).all()
    assert (cropped[40, :19] == 50).all()


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_a_crop_from_a_reduced_photo_shows_the_same_place(rng, times):
    """Pixel (i, j) of the reduced photo is the mean of a square of the photo, so its centre is the square's centre."""
    photo = cv2.GaussianBlur(rng.integers(0, 255, (800, 960, 3), np.uint8), (0, 0), 30)
    photo = cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX)
    small = cv2.resize(photo, (960 // times, 800 // times), interpolation=cv2.INTER_AREA)
    matrix = np.array([[0.12, -0.05, 3.0], [0.05, 0.12, -7.0]])
    assert scale(matrix) == pytest.approx(0.13)
    difference = crop(small, reduced(matrix, times), 96).astype(int) - crop(photo, matrix, 96)
    assert np.abs(difference).mean() < 1.5
    assert np.array_equal(reduced(matrix, 1), matrix)


@pytest.mark.parametrize("place", [(100.0, 60.0), (-30.0, -40.0), (700.0, 500.0), (2000.0, 100.0)])
@pytest.mark.parametrize("factor", [0.2, 0.9])
def test_the_surroundings_give_the_crop_of_the_whole_photo(rng, place, factor):
    """Also where the crop reaches beyond the photo, or lies outside of it."""
    photo = cv2.GaussianBlur(rng.integers(0, 255, (600, 800, 3), np.uint8), (0, 0), 9)
    turn = factor * np.array([[0.9, -0.4], [0.4, 0.9]])
    matrix = np.column_stack([turn, -turn @ place])
    part, from_part = surroundings(photo, matrix, 96)
    difference = crop(part, from_part, 96).astype(int) - crop(photo, matrix, 96)
    assert np.abs(difference).max() <= 3
    if place == (100.0, 60.0) and factor == 0.9:
        assert part.size < photo.size / 4
