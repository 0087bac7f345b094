"""dlib's own detector is the reference."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from pipeline.detect.mmod import detect
from pipeline.detect.mmod.detector import overlaps
from pipeline.faces import dlib_models

SAME = 1e-4  # of the confidence; rounding alone gave up to 4e-6 on photos


@pytest.fixture(scope="module")
def by_dlib():
    detector = dlib_models.import_dlib().cnn_face_detection_model_v1(str(dlib_models.packaged(dlib_models.CNN_DETECTOR)))

    def by_dlib(image):
        found = detector(image, 0)
        boxes = [[each.rect.left(), each.rect.top(), each.rect.right(), each.rect.bottom()] for each in found]
        return boxes, [each.confidence for each in found]

    return by_dlib


@pytest.fixture(scope="module")
def face(orl):
    """A portrait of 92 x 112 pixels at a given size and turn, in colours that tell red from blue."""

    def face(person, width=92, height=112, degrees=0.0):
        grey = cv2.imread(str(orl / f"s{person}" / "1.pgm"), cv2.IMREAD_GRAYSCALE)
        turn = cv2.getRotationMatrix2D((46, 56), degrees, 1)
        grey = cv2.warpAffine(grey, turn, (92, 112), borderMode=cv2.BORDER_REPLICATE)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if width < 92 else cv2.INTER_CUBIC)
        return (grey[..., None] * [1.0, 0.6, 0.3]).astype(np.uint8)

    return face


def assert_same(image, by_dlib):
    (boxes, confidences), (their_boxes, their_confidences) = detect(image), by_dlib(image)
    assert boxes == their_boxes
    np.testing.assert_allclose(confidences, their_confidences, atol=SAME)
    return boxes


@pytest.mark.parametrize("person", range(1, 13))
def test_faces_are_those_of_dlib(face, by_dlib, person):
    """At sizes that are odd, high and wide, and at turns that HOG does not find."""
    width, height = 95 + 7 * person, 180 - 5 * person
    assert len(assert_same(face(person, width, height, degrees=20.0 * (person % 4)), by_dlib)) == 1


def test_colours_are_told_apart(face):
    image = face(1, 128, 156)
    assert abs(detect(image)[1][0] - detect(image[..., ::-1].copy())[1][0]) > 10 * SAME


def test_several_faces_come_in_the_order_of_dlib(face, by_dlib):
    image = np.full((260, 420, 3), 128, np.uint8)
    for person, (left, top, width) in enumerate([(0, 20, 140), (130, 0, 92), (230, 90, 110), (330, 10, 85)], start=1):
        height = width * 112 // 92
        image[top : top + height, left : left + width] = face(person, width, height)
    assert len(assert_same(image, by_dlib)) == 4


@pytest.mark.parametrize(("cut", "left", "right"), [(0, 4, 83), (4, -5, 75), (12, -13, 67)])
def test_halves_are_rounded_away_from_zero(face, by_dlib, cut, left, right):
    """In the photo's own size edges lie at halves of pixels, here at 3.5, -4.5 and -12.5."""
    image = face(1)[:, cut:].copy()
    assert assert_same(image, by_dlib) == [[left, 20, right, 99]]


@pytest.mark.parametrize(
    ("height", "width"), [(7, 128), (8, 300), (10, 10), (12, 40), (17, 31), (48, 48), (20, 500), (500, 20), (80, 81)]
)
def test_sizes_are_those_of_dlib(face, by_dlib, height, width):
    assert_same(face(1, width, height), by_dlib)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 128), (128, 1), (5, 40), (6, 6)])
def test_an_image_too_small_for_dlib_shows_no_face(face, height, width):
    """dlib itself raises an error, and writes beyond its memory, so that the process may die later."""
    assert detect(face(1, width, height)) == ([], [])


def test_noise_shows_no_face(by_dlib):
    image = np.random.default_rng(0).integers(0, 256, (120, 128, 3), np.uint8)
    assert assert_same(image, by_dlib) == []


def test_photos_in_the_wild(faces_dir, by_dlib):
    for path in sorted(faces_dir.rglob("*.jpg"))[::100]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        scale = 128 / max(image.shape)
        assert_same(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), by_dlib)


def test_number_of_threads_does_not_matter(face, blas_threads):
    images = [face(person, 300, 360) for person in range(1, 7)]
    alone = [detect(image) for image in images]
    blas_threads(4)
    assert [detect(image) for image in images] == alone
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(detect, images)) == alone


def test_overlap_is_a_share_of_the_box_around_both():
    box = np.array([0, 0, 9, 9])
    others = np.array([[0, 0, 9, 9], [5, 0, 14, 9], [5, 5, 14, 14], [10, 0, 19, 9], [2, 2, 3, 3]])
    assert overlaps(others, box).tolist() == pytest.approx([1, 50 / 150, 25 / 225, 0, 4 / 100])
