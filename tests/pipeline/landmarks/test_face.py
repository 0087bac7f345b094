from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.detect import stage as detect
from pipeline.faces import detections as detections_table
from pipeline.faces import dlib_models, manifest, picture
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.landmarks import align
from pipeline.landmarks.face import align_face, align_photo


def test_real_faces_are_aligned_too(faces_dir, params, predictor):
    for path in sorted((faces_dir / "images").glob("*.jpg"))[::120]:
        photo = Photo(path.stem, str(path), "anger", "train", "")
        face = align_photo((photo, detect.detect_photo(photo, params.detect)), params.landmarks, predictor)
        if face.status == "ok":
            miss = [face.landmarks[part].mean(axis=0) for part in align.PARTS] - (align.TEMPLATE * 256 - 0.5)
            assert np.abs(miss).max() < 30


def test_landmarks_beyond_the_photo_are_kept(orl, params, predictor, tmp_path):
    """A face cut off by the frame: its chin lies outside, and the crop goes on with the border."""
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    whole = tmp_path / "whole.png"
    cv2.imwrite(str(whole), grey)
    photo = Photo("a", str(whole), "anger", "train", "")
    found = detect.detect_photo(photo, params.detect)
    bottom = dlib_models.predict(
        cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), (found.left, found.top, found.right, found.bottom), predictor
    )
    cut = tmp_path / "cut.png"
    cv2.imwrite(str(cut), grey[: int(bottom[57, 1])])
    photo = Photo("a", str(cut), "anger", "train", "")
    face = align_photo((photo, found), params.landmarks, predictor)
    assert face.status == "ok"
    assert np.isfinite(face.landmarks).all()
    crop = cv2.imdecode(np.frombuffer(face.crop, np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape == (256, 256, 3)
    assert crop[-1].std() > 0


def test_crops_keep_their_colours(orl, params, predictor, tmp_path):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    reddish = np.dstack([grey // 3, grey // 2, grey])  # OpenCV's order
    cv2.imwrite(str(tmp_path / "a.png"), reddish)
    photo = Photo("a", str(tmp_path / "a.png"), "anger", "train", "")
    found = detect.detect_photo(photo, params.detect)
    face = align_photo((photo, found), params.landmarks, predictor)
    blue, green, red = cv2.imdecode(np.frombuffer(face.crop, np.uint8), cv2.IMREAD_COLOR).mean(axis=(0, 1))
    assert red / green == pytest.approx(2, rel=0.1)
    assert red / blue == pytest.approx(3, rel=0.1)


def test_box_without_a_face_gives_no_landmarks_to_train_on(params, predictor, tmp_path, rng):
    noise = cv2.GaussianBlur(rng.integers(0, 256, (200, 200, 3), np.uint8), (0, 0), 0.7)
    for number, image in enumerate([noise, *(np.full((200, 200), grey, np.uint8) for grey in (0, 128, 255))]):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        row = Photo(str(number), str(path), "anger", "train", ""), Detection(str(number), "ok", "", 40, 40, 160, 160)
        face = align_photo(row, params.landmarks, predictor)
        assert face.status == "low_confidence"
        assert face.reason == "landmarks did not settle in 4 looks: probably no face, or hardly visible"
        assert not face.landmarks.any()
        assert not face.crop.size


def test_fallback_is_the_whole_photo_where_the_box_shows_no_face(orl, params, predictor, tmp_path):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    grey[-70:, -70:] = 0
    path, (height, width) = tmp_path / "a.png", grey.shape
    cv2.imwrite(str(path), grey)
    corner = Detection("a", "ok", "", width - 50.0, height - 50.0, width - 10.0, height - 10.0, level="given")
    row = Photo("a", str(path), "anger", "train", ""), corner
    assert align_photo(row, params.landmarks, predictor).status == "low_confidence"
    face = align_photo(row, params.landmarks, predictor, fallback="image")
    whole = Detection("a", "ok", "", 0.0, 0.0, float(width), float(height), level="image")
    expected = align_photo((row[0], whole), params.landmarks, predictor)
    assert face.status == expected.status == "ok"
    assert np.array_equal(face.landmarks, expected.landmarks)


def test_impossible_landmarks_are_low_confidence(dataset, params, predictor, monkeypatch):
    photo, found = manifest.read(dataset.manifest)[0], detections_table.read(dataset.detections)[0]
    monkeypatch.setattr(dlib_models, "predict", lambda *_: np.full((68, 2), 100.0))
    face = align_photo((photo, found), params.landmarks, predictor)
    assert (face.status, face.reason) == ("low_confidence", "landmarks collapse to a small part of the box")


@pytest.mark.parametrize("refinements", [0, 3])
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((1, 1, 3), 99, np.uint8), "the face is only 1 x 1 pixels, too few for landmarks: they need 20 x 20"),
        (np.full((300, 9, 3), 99, np.uint8), "the face is only 9 x 300 pixels, too few for landmarks: they need 20 x 20"),
        (np.full((100, 100, 3), 99, np.uint8), None),
    ],
)
def test_a_whole_photo_that_is_too_small_or_blank_is_no_face(params, predictor, tmp_path, image, reason, refinements):
    cv2.imwrite(str(tmp_path / "a.png"), image)
    height, width = image.shape[:2]
    whole = Detection("a", "ok", "", 0, 0, width, height, level="image")
    placing = params.landmarks.model_copy(update={"max_refinements": refinements})
    face = align_photo((Photo("a", str(tmp_path / "a.png"), "anger", "train", ""), whole), placing, predictor, "image")
    reason = reason or ("landmarks did not settle in 4 looks" if refinements else "the face is of one colour")
    assert face.status == "low_confidence"
    assert face.reason.startswith(reason)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("side", [700, 1700])
def test_large_photos_are_seen_reduced_and_give_the_same_face(
    params, predictor, faces_dir, tmp_path, monkeypatch, orientation, side
):
    """A real face, enlarged on a plain photo of 4 megapixels, in every EXIF turn: as where the whole photo is decoded."""
    portrait = cv2.imread(str(sorted((faces_dir / "images").glob("*.jpg"))[3]))
    portrait = cv2.resize(portrait, (side, round(side * portrait.shape[0] / portrait.shape[1])))
    image = np.full((1800, 2403, 3), 128, np.uint8)
    image[20 : 20 + portrait.shape[0], 650 : 650 + side] = portrait[:1780]
    write_turned(tmp_path / "a.jpg", image, orientation)
    photo, faces, found = Photo("a", str(tmp_path / "a.jpg"), "anger", "train", ""), [], []
    for whole in (picture.WHOLE, 10**6):
        monkeypatch.setattr(picture, "WHOLE", whole)
        found.append(detect.detect_photo(photo, params.detect))
        faces.append(align_photo((photo, found[-1]), params.landmarks, predictor))
    assert [face.status for face in faces] == ["ok", "ok"]
    assert found[0].level == found[1].level
    reduced, expected = (face.photo_landmarks for face in faces)
    eyes = np.hypot(*(expected[36:42].mean(axis=0) - expected[42:48].mean(axis=0)))
    assert np.hypot(*(reduced - expected).T).mean() < 0.03 * eyes
    crops = [cv2.imdecode(np.frombuffer(face.crop, np.uint8), cv2.IMREAD_COLOR).astype(int) for face in faces]
    assert np.abs(crops[0] - crops[1]).mean() < 4


def write_turned(path, image, orientation):
    """Write a JPEG that its EXIF tag turns to the image."""
    turn = (None, *(Image.Transpose(number) for number in (0, 3, 1, 5, 2, 6, 4)))[orientation - 1]  # undoes the tag's turn
    stored = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (stored if turn is None else stored.transpose(turn)).save(path, quality=90, exif=exif)


def test_a_small_face_in_the_box_of_a_large_photo_is_cut_from_more_pixels(params, predictor, faces_dir, tmp_path):
    """The whole photo as the box is seen reduced, and the face in it would have fewer pixels than the crop."""
    portrait = cv2.imread(str(sorted((faces_dir / "images").glob("*.jpg"))[3]))
    image = cv2.copyMakeBorder(cv2.resize(portrait, (1000, 1000)), 300, 300, 300, 300, cv2.BORDER_REPLICATE)
    cv2.imwrite(str(tmp_path / "a.jpg"), image)
    photo = picture.read_picture(tmp_path / "a.jpg")
    seen = []
    rgb = photo.rgb
    photo.rgb = lambda times: seen.append(times) or rgb(times)
    placing = params.landmarks.model_copy(update={"crop_size": 1000})
    face = align_face(photo, [(0.0, 0.0, 1600.0, 1600.0)], placing, predictor)
    assert face.status == "ok"
    assert seen == [4, 1]


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_large_photo_that_ends_early_is_unreadable(params, predictor, tmp_path, rng, share):
    content = cv2.imencode(".jpg", cv2.GaussianBlur(rng.integers(0, 256, (1500, 2000, 3), np.uint8), (0, 0), 3))[1]
    (tmp_path / "a.jpg").write_bytes(content.tobytes()[: int(share * len(content))])
    photo, box = Photo("a", str(tmp_path / "a.jpg"), "anger", "train", ""), (100.0, 100.0, 900.0, 900.0)
    given = detect.detect_photo(replace(photo, box=box), params.detect)
    found = detect.detect_photo(photo, params.detect)
    face = align_photo((photo, Detection("a", "ok", "", *box)), params.landmarks, predictor)
    for row in (given, found, face):
        assert (row.status, row.reason) == ("unreadable", "not a complete image (JPEG)")
