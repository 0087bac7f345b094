import cv2
import numpy as np
import pytest

from pipeline.detect import face_search
from pipeline.detect.face_search import Detections, Level, levels, search
from pipeline.faces.picture import Picture


def names(params, **changes):
    return [level.name for level in levels(params.detect.model_copy(update={"search_sizes": (128, 256), **changes}))]


def test_levels_come_coarse_and_cheap_first(params):
    assert names(params) == ["128", "padded 128", "256", "padded 256", "mmod padded 128"]
    assert names(params, search_sizes=(128, 512), padding=0.0) == ["128", "mmod 128", "512"]
    assert names(params, detector="hog", padding=0.0) == ["128", "256"]
    assert names(params, detector="mmod", mmod_search_sizes=(160, 384)) == ["mmod padded 160", "mmod padded 384"]


@pytest.mark.parametrize("policy", ["central", "score", "fail"])
def test_policies_that_weigh_all_faces_start_where_all_are_seen(params, policy):
    assert names(params, on_multiple=policy, detector="hog", padding=0.0) == ["256"]
    assert names(params, on_multiple=policy, detector="hog", padding=0.0, search_sizes=(64, 128)) == ["128"]


@pytest.fixture
def recorder(monkeypatch):
    """Detectors that record the shapes of their images, and find one box from the given size on."""
    shapes, answer = [], {"from": 10**9, "box": (0, 0, 0, 0)}

    def detector(image):
        shapes.append(image.shape)
        return ([answer["box"]], [1.0]) if max(image.shape) >= answer["from"] else ([], [])

    monkeypatch.setattr(face_search, "DETECTORS", {"hog": detector, "mmod": detector})
    return shapes, answer


def test_levels_have_their_size(recorder):
    shapes, _ = recorder
    image = np.zeros((100, 200, 3), np.uint8)
    assert search(Picture(image), [Level("hog", 128, 0.0), Level("hog", 150, 0.25), Level("mmod", 160, 0.0)]) is None
    assert shapes == [(64, 128), (100, 150), (80, 160, 3)]


def test_photos_are_shrunk_without_aliasing(monkeypatch):
    """Stripes finer than the level's pixels become grey; sampling alone would show stripes that are not in the photo."""
    images = []
    monkeypatch.setattr(face_search, "DETECTORS", {"hog": lambda image: (images.append(image) or [], [])})
    stripes = np.repeat(np.tile([0, 255], 192).astype(np.uint8)[None, :, None], 384, axis=0).repeat(3, axis=2)
    search(Picture(stripes), [Level("hog", 128, 0.0)])
    assert images[0].shape == (128, 128)
    assert np.ptp(images[0].astype(int)) <= 86  # a mean of three pixels, of which one or two are white


def test_in_large_photos_hog_looks_for_small_faces_before_the_cnn_does(recorder):
    shapes, _ = recorder
    tried = [Level("hog", 256, 0.0), Level("mmod", 128, 0.0), Level("hog", 512, 0.0), Level("hog", 1024, 0.0)]
    for side in (1024, 1032):
        search(Picture(np.zeros((side, side, 3), np.uint8)), tried)
    sides = [max(shape) for shape in shapes]
    assert sides == [256, 128, 512, 1024, 256, 512, 128, 1024]


def test_levels_that_only_enlarge_are_left_out(recorder):
    shapes, _ = recorder
    sides = [Level("hog", side, 0.0) for side in (128, 256, 512, 1024)]
    search(Picture(np.zeros((48, 48, 3), np.uint8)), sides)
    assert shapes == [(128, 128), (256, 256)]
    shapes.clear()
    search(Picture(np.zeros((300, 200, 3), np.uint8)), sides)
    assert [shape[0] for shape in shapes] == [128, 256, 512]


@pytest.mark.parametrize("padding", [0.0, 0.25])
def test_first_level_with_a_face_answers_in_pixels_of_the_photo(recorder, padding):
    shapes, answer = recorder
    answer |= {"from": 190, "box": (100, 100, 180, 180)}
    tried = [Level("hog", side, padding) for side in (100, 200, 400)]
    found = search(Picture(np.zeros((400, 400, 3), np.uint8)), tried)
    assert len(shapes) == 2
    scale, border = 0.5 / (1 + 2 * padding), 200 * padding / (1 + 2 * padding)
    edges = [(100 - border) / scale, (180 - border) / scale]
    assert found == Detections(tried[1].name, (pytest.approx((edges[0], edges[0], edges[1], edges[1]), abs=2),), (1.0,))


def test_box_at_a_coarse_level_is_that_of_a_fine_one(orl):
    grey = cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE)
    image = cv2.cvtColor(cv2.resize(grey, None, fx=4, fy=4), cv2.COLOR_GRAY2RGB)
    found = [search(Picture(image), [Level(*level)]) for level in (("hog", 128, 0.0), ("hog", 512, 0.0), ("hog", 256, 0.25))]
    for other in found[1:]:
        side = other.boxes[0][2] - other.boxes[0][0]
        np.testing.assert_allclose(found[0].boxes[0], other.boxes[0], atol=0.15 * side)
