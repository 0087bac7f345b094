import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.detect import stage as detect
from pipeline.detect.stage import detect_photo
from pipeline.faces import detections as detections_table
from pipeline.faces import manifest
from pipeline.faces.detections import Detection
from pipeline.faces.headers import PhotoTooLargeError
from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError


@pytest.fixture(scope="module")
def portrait(orl):
    """A calm face, enlarged: (280, 230) grey."""
    grey = cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(grey, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def look(params, tmp_path):
    """Detect in an image."""

    def look(image, box=None, **changes):
        path = tmp_path / "photo.png"
        cv2.imwrite(str(path), image)
        return detect_photo(Photo("a", str(path), "anger", "train", "", box=box), params.detect.model_copy(update=changes))

    return look


def framed(portrait, height, width, left=0, top=0, scale=1.0):
    """The portrait somewhere on a grey photo."""
    portrait = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.full((height, width), 128, np.uint8)
    image[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return image


def iou(one, other):
    """Intersection over union of two boxes (left, top, right, bottom)."""
    sides = [max(0, min(one[i + 2], other[i + 2]) - max(one[i], other[i])) for i in (0, 1)]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return np.prod(sides) / (sum(areas) - np.prod(sides))


def test_face_is_found_in_photo_pixels(look, portrait):
    alone = look(portrait)
    assert (alone.status, alone.faces, alone.reason) == ("ok", 1, "")
    assert alone.score > 0
    moved = look(framed(portrait, 400, 500, left=150, top=60))
    shifted = np.array(alone.box) + np.array([150, 60, 150, 60])
    assert iou(moved.box, shifted) > 0.7


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0])
def test_box_grows_with_the_photo(look, portrait, scale):
    box = np.array(look(portrait).box) * scale
    resized = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    assert iou(look(resized).box, box) > 0.8


def test_small_face_is_found_by_enlarging(look, portrait):
    small = cv2.resize(portrait, (48, 48), interpolation=cv2.INTER_AREA)
    found = look(small)
    assert found.status == "ok"
    assert 20 < found.right - found.left < 50
    assert look(small, detector="hog", search_sizes=(64,), padding=0.0).status == "no_face"


def test_small_face_in_a_large_photo_is_found_at_a_larger_side(look, portrait):
    image = framed(portrait, 900, 1000, left=600, top=500, scale=0.4)
    assert look(image, detector="hog", search_sizes=(256,), padding=0.0).status == "no_face"
    found = look(image)
    assert found.status == "ok"
    assert 600 < (found.left + found.right) / 2 < 692
    assert 500 < (found.top + found.bottom) / 2 < 612


def test_face_that_touches_the_frame_is_found_by_padding(look, portrait):
    found = look(portrait)
    left, top, right, bottom = (int(edge) for edge in found.box)
    tight = portrait[top + 60 : bottom, left:right]
    assert look(tight, detector="hog", padding=0.0).status == "no_face"
    padded = look(tight)
    assert padded.status == "ok"
    assert iou(padded.box, (0, -60, right - left, bottom - top - 60)) > 0.6
    assert padded.top < 0  # kept as it is, beyond the photo


def test_largest_of_several_faces_is_chosen(look, portrait, orl):
    other = cv2.resize(cv2.imread(str(orl / "s2" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=4, fy=4)
    for large_first in (True, False):
        image = framed(portrait, 500, 800, left=500 if large_first else 30, top=100)
        left = 30 if large_first else 400
        image[20 : 20 + other.shape[0], left : left + other.shape[1]] = other
        found = look(image)
        assert (found.status, found.faces) == ("ok", 2)
        assert left < (found.left + found.right) / 2 < left + other.shape[1]


@pytest.fixture
def two_faces(portrait, orl):
    """A large face left, a smaller one in the middle of a photo of 500 x 900 pixels."""
    large = cv2.resize(cv2.imread(str(orl / "s2" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=4, fy=4)
    image = framed(portrait, 500, 900, left=450, top=110)
    image[20 : 20 + large.shape[0], 10 : 10 + large.shape[1]] = large
    return image


@pytest.mark.parametrize(("policy", "left"), [("largest", 10), ("central", 450)])
def test_policy_chooses_one_of_several_faces(look, two_faces, policy, left):
    found = look(two_faces, on_multiple=policy)
    assert (found.status, found.faces) == ("ok", 2)
    assert left < (found.left + found.right) / 2 < left + 350


def test_policy_score_takes_the_surest(look, two_faces):
    scores = {look(two_faces, on_multiple=policy).score for policy in ("largest", "central")}
    assert len(scores) == 2
    assert look(two_faces, on_multiple="score").score == max(scores)


def test_several_faces_can_fail(look, two_faces, portrait):
    found = look(two_faces, on_multiple="fail")
    assert (found.status, found.faces, found.box) == ("multi_face", 2, (0, 0, 0, 0))
    assert found.reason == "2 faces, and detect.on_multiple is fail"
    assert look(portrait, on_multiple="fail").status == "ok"


def test_coarse_level_that_sees_the_largest_face_alone_does_not_decide_what_fails(look, portrait):
    """The small face beside the large one is too small for 128 pixels."""
    image = framed(portrait, 300, 400, left=5, top=5)
    small = cv2.resize(portrait, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)
    image[100 : 100 + small.shape[0], 255 : 255 + small.shape[1]] = small
    largest = look(image)
    assert (largest.level, largest.faces) == ("128", 1)
    assert look(image, on_multiple="fail", search_sizes=(128, 384)).status == "multi_face"


def test_level_is_kept(look, portrait):
    assert look(portrait).level == "128"
    assert look(portrait, search_sizes=(256,)).level == "256"
    assert look(portrait, detector="mmod").level == "mmod padded 128"


def test_mmod_shows_the_same_face(look, portrait):
    assert iou(look(portrait, detector="mmod").box, look(portrait).box) > 0.6


def test_mmod_finds_what_hog_does_not(look, portrait):
    """A face that leans by 60 degrees."""
    height, width = portrait.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 60, 1)
    leaning = cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    assert look(leaning, detector="hog").status == "no_face"
    assert look(leaning).level == "mmod padded 128"


def test_a_strip_without_padding_is_taken_by_the_cnn(look):
    """dlib's own CNN detector raises an error for an image of fewer than 7 rows."""
    assert look(np.full((40, 1000), 90, np.uint8), detector="mmod", padding=0.0).status == "no_face"


def test_given_box_is_used_as_it_is(look, portrait):
    found = look(portrait, box=(10.0, 20.5, 110.0, 140.0))
    assert (found.status, found.level, found.faces, found.score) == ("ok", "given", 1, 0)
    assert found.box == (10, 20.5, 110, 140)
    assert look(np.zeros((50, 50), np.uint8), box=(-5.0, -5.0, 60.0, 60.0)).status == "ok"  # partly beyond the frame


@pytest.mark.parametrize(("height", "width"), [(1, 1), (500, 1), (1, 500), (10, 10), (19, 300)])
def test_a_photo_far_too_small_is_no_face_whatever_the_fallback(look, portrait, height, width):
    found = look(cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA), fallback="image")
    assert (found.status, found.box) == ("low_confidence", (0, 0, 0, 0))
    assert "pixels, too few for landmarks" in found.reason


def test_a_given_box_far_too_small_is_no_face(look, portrait):
    found = look(portrait, box=(100.0, 100.0, 102.0, 102.0))
    assert (found.status, found.level, found.faces) == ("low_confidence", "given", 1)
    assert found.reason == "the face is only 2 x 2 pixels, too few for landmarks: they need 20 x 20"


def test_photos_of_48_pixels_stay_faces(look, portrait):
    assert look(cv2.resize(portrait, (48, 48), interpolation=cv2.INTER_AREA), fallback="image").status == "ok"


def test_given_box_outside_of_the_photo_has_its_reason(look, portrait):
    found = look(portrait, box=(300.0, 10.0, 400.0, 110.0))
    assert (found.status, found.level, found.box) == ("low_confidence", "", (0, 0, 0, 0))
    assert found.reason == "the given box 300 10 400 110 lies outside of the photo of 230 x 280 pixels"


def test_whole_photo_serves_where_no_face_is_found(look, portrait):
    blank = np.full((60, 40), 128, np.uint8)
    found = look(blank, fallback="image")
    assert (found.status, found.level, found.faces, found.box) == ("ok", "image", 0, (0, 0, 40, 60))
    assert look(portrait, fallback="image").level == "128"


@pytest.mark.parametrize("shape", [(100, 100), (1, 1), (1, 100), (300, 200, 3)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_photo_shows_no_face(look, shape, value):
    found = look(np.full(shape, value, np.uint8))
    assert (found.status, found.faces, found.box) == ("no_face", 0, (0, 0, 0, 0))
    assert found.reason


@pytest.mark.parametrize("shape", [(3000, 2), (1, 1000)])
def test_strip_shows_no_face(look, shape):
    assert look(np.zeros(shape, np.uint8)).status == "no_face"


def test_unreadable_photo_has_its_reason(params, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    for path, reason in [(broken, "not a complete image"), (tmp_path / "none.jpg", "No such file")]:
        found = detect_photo(Photo("a", str(path), "anger", "train", ""), params.detect)
        assert found.status == "unreadable"
        assert reason in found.reason


@pytest.mark.parametrize("status", ["excluded", "unreadable"])
def test_photo_with_a_status_is_not_opened(params, status):
    found = detect_photo(Photo("a", "none.jpg", "contempt", "", "", status, "not wanted"), params.detect)
    assert found == Detection("a", status, "not wanted")


# The stage


def test_every_photo_has_its_row(dataset):
    photos, detections = manifest.read(dataset.manifest), detections_table.read(dataset.detections)
    assert [photo.id for photo in photos] == [detection.id for detection in detections]
    assert sum(detection.status == "ok" for detection in detections) >= 95


def test_workers_change_no_byte(dataset, params, tmp_path):
    base = params.base.model_copy(update={"workers": 2})
    written = detect.main(
        base=base, params=params.detect, manifest_path=dataset.manifest, detections_path=tmp_path / "detections.csv"
    )
    assert (tmp_path / "detections.csv").read_bytes() == dataset.detections.read_bytes()
    assert written == detections_table.read(tmp_path / "detections.csv")


def test_order_of_the_photos_changes_no_detection(dataset, params, tmp_path):
    photos = manifest.read(dataset.manifest)[::-7]
    expected = {detection.id: detection for detection in detections_table.read(dataset.detections)}
    for photo in photos:
        assert detect_photo(photo, params.detect) == expected[photo.id]


def test_threads_change_no_detection(dataset, params):
    photos = manifest.read(dataset.manifest)[::6]
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(lambda photo: detect_photo(photo, params.detect), photos * 3))
    assert threaded == 3 * [detect_photo(photo, params.detect) for photo in photos]


def test_missing_manifest_names_the_stage(params, tmp_path):
    with pytest.raises(InputError, match=r"manifest\.csv does not exist: run `aucue ingest` first"):
        detect.main(
            base=params.base,
            params=params.detect,
            manifest_path=tmp_path / "manifest.csv",
            detections_path=tmp_path / "out.csv",
        )


def test_status_that_the_reader_names_is_kept(params, monkeypatch):
    def read_picture(path, sha256=""):
        raise PhotoTooLargeError("9 gigapixels")

    monkeypatch.setattr(detect, "read_picture", read_picture)
    assert detect_photo(Photo("a", "a.jpg", "anger", "", ""), params.detect) == Detection("a", "too_large", "9 gigapixels")


def test_another_given_box_is_not_taken_from_the_cache(dataset, params, tmp_path):
    base = params.base.model_copy(update={"workers": 1})
    (photo, *_) = manifest.read(dataset.manifest)
    boxes = []
    for box in (None, (10.0, 10.0, 200.0, 200.0), (20.0, 20.0, 200.0, 200.0)):
        manifest.write_table(tmp_path / "manifest.csv", Photo, [replace(photo, box=box)])
        assert photo.sha256
        (found,) = detect.main(
            base=base,
            params=params.detect,
            manifest_path=tmp_path / "manifest.csv",
            detections_path=tmp_path / "detections.csv",
            cache_dir=tmp_path / "cache",
        )
        boxes.append(found.box)
    assert boxes[1:] == [(10, 10, 200, 200), (20, 20, 200, 200)]
    assert boxes[0] not in boxes[1:]


def test_summary_counts_statuses_and_levels():
    detections = [
        Detection("a", "ok", "", faces=2, level="128"),
        Detection("b", "ok", "", faces=1, level="padded 256"),
        Detection("c", "ok", "", faces=1, level="128"),
        Detection("d", "no_face", "x"),
    ]
    assert detect.summarise(detections) == "1 no_face, 3 ok; 1 with several faces\nfound at: 128 2, padded 256 1"
    assert detect.summarise(detections[3:]) == "1 no_face; 0 with several faces\nfound at: no level"


def test_summary_names_the_first_photos_that_cannot_be_read():
    detections = [Detection(f"{i}.jpg", "unreadable", "the file is empty") for i in range(4)]
    detections[1:1] = [Detection("big.jpg", "too_large", "99 pixels"), Detection("x.jpg", "excluded", "not wanted")]
    assert detect.summarise(detections).splitlines()[2:] == [
        "unreadable: 0.jpg: the file is empty",
        "too_large: big.jpg: 99 pixels",
        "unreadable: 1.jpg: the file is empty",
        "and 2 more: the column reason names the reason of each",
    ]


def test_nearly_all_real_faces_are_found(faces_dir, params):
    with (faces_dir / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[::13]
    photos = [Photo(row["image"], str(faces_dir / row["image"]), row["label"], "", "") for row in rows]
    found = [detect_photo(photo, params.detect) for photo in photos]
    assert {detection.status for detection in found} <= {"ok", "no_face"}
    assert sum(detection.status == "ok" for detection in found) > 0.97 * len(photos)
    assert sum(detection.level == "128" for detection in found) > 0.8 * len(photos)
