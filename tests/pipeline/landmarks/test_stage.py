import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.detect import stage as detect
from pipeline.detect.stage import Detection
from pipeline.faces import detections as detections_table
from pipeline.faces import dlib_models as models
from pipeline.faces import manifest
from pipeline.faces.manifest import Photo
from pipeline.faces.tables import write_table
from pipeline.landmarks import align
from pipeline.landmarks import landmark_quality as plausible
from pipeline.landmarks import stage as landmarks
from pipeline.landmarks.fit import fit_landmarks
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import file_digest
from pipeline.shards import ShardSet


@pytest.fixture(scope="module")
def predictor():
    return str(models.packaged(models.PREDICTOR))


@pytest.fixture(scope="module")
def faces(dataset):
    return ShardSet(dataset.faces, "faces")


def test_rows_follow_the_manifest(dataset, faces):
    photos = manifest.read(dataset.manifest)
    for name in ("id", "label", "split", "subject", "aus"):
        assert faces.column(name).tolist() == [getattr(photo, name) for photo in photos]
    assert [shard.rows for shard in faces.shards] == [40, 40, 18]


def test_aligned_eyes_and_mouth_lie_on_the_template(faces):
    places = faces.column("landmarks")[faces.column("status") == "ok"]
    centres = np.stack([places[:, part].mean(axis=1) for part in align.PARTS], axis=1)
    miss = centres - (align.TEMPLATE * 256 - 0.5)
    assert np.abs(miss).max() < 20  # faces differ; a similarity cannot fit all three
    np.testing.assert_allclose(miss.mean(axis=1), 0, atol=1e-3)  # least squares leaves no shift
    eye_line = centres[:, 1] - centres[:, 0]
    assert np.abs(eye_line[:, 1]).max() < 12
    assert (eye_line[:, 0] > 50).all()


def test_landmarks_fit_the_stored_crop(faces, predictor):
    """The predictor, run again on the crop, finds the points where they are stored."""
    misses = []
    for row in range(0, len(faces), 9):
        crop, stored = faces.crop(row), faces.row("landmarks", row)
        assert crop.shape == (256, 256, 3)
        (left, top), (right, bottom) = stored.min(axis=0), stored.max(axis=0)
        again = models.predict(crop, (left, top, right, bottom), predictor)
        misses.append(np.hypot(*(again - stored).T).mean())
    assert np.median(misses) < 4
    assert np.percentile(misses, 80) < 8  # the predictor itself is unsure of wide open mouths


def test_real_faces_are_aligned_too(faces_dir, params, predictor):
    for path in sorted((faces_dir / "images").glob("*.jpg"))[::120]:
        photo = Photo(path.stem, str(path), "anger", "train", "")
        face = landmarks.align_photo((photo, detect.detect_photo(photo, params.detect)), params.landmarks, predictor)
        if face.status == "ok":
            miss = [face.landmarks[part].mean(axis=0) for part in align.PARTS] - (align.TEMPLATE * 256 - 0.5)
            assert np.abs(miss).max() < 30


def test_workers_change_no_byte(dataset, params, tmp_path):
    base = params.base.model_copy(update={"workers": 2, "shard_size": 40})
    counts = landmarks.main(
        base=base,
        params=params.landmarks,
        manifest_path=dataset.manifest,
        detections_path=dataset.detections,
        faces_dir=tmp_path / "faces",
    )
    names = sorted(path.name for path in dataset.faces.iterdir())
    assert names == ["00000.h5", "00001.h5", "00002.h5", "index.json"]
    for name in names:
        assert (tmp_path / "faces" / name).read_bytes() == (dataset.faces / name).read_bytes()
    assert counts.total() == 98


def test_shard_size_changes_no_row(dataset, params, faces, tmp_path):
    photos, detections = manifest.read(dataset.manifest), detections_table.read(dataset.detections)
    some = tmp_path / "manifest.csv"
    manifest.write_table(some, Photo, photos[:14])
    write_table(tmp_path / "detections.csv", Detection, detections[:14])
    base = params.base.model_copy(update={"workers": 1, "shard_size": 7})
    landmarks.main(
        base=base,
        params=params.landmarks,
        manifest_path=some,
        detections_path=tmp_path / "detections.csv",
        faces_dir=tmp_path / "faces",
    )
    few = ShardSet(tmp_path / "faces", "faces")
    assert [shard.rows for shard in few.shards] == [7, 7]
    np.testing.assert_array_equal(few.column("landmarks"), faces.column("landmarks")[:14])
    np.testing.assert_array_equal(few.crop(13), faces.crop(13))


def test_stamp_names_the_inputs(dataset, faces, predictor):
    assert faces.provenance["crop_size"] == 256
    assert faces.provenance["jpeg_quality"] == 95
    assert faces.provenance["predictor_sha256"] == models.SHA256[models.PREDICTOR]
    assert faces.provenance["manifest_sha256"] == file_digest(dataset.manifest)
    assert faces.provenance["detections_sha256"] == file_digest(dataset.detections)


def run(params, tmp_path, photos, detections):
    manifest.write_table(tmp_path / "manifest.csv", Photo, photos)
    write_table(tmp_path / "detections.csv", Detection, detections)
    base = params.base.model_copy(update={"workers": 1})
    tables = {"manifest_path": tmp_path / "manifest.csv", "detections_path": tmp_path / "detections.csv"}
    counts = landmarks.main(base=base, params=params.landmarks, **tables, faces_dir=tmp_path / "faces")
    return counts, ShardSet(tmp_path / "faces", "faces")


def test_photos_without_a_face_keep_their_row(dataset, params, tmp_path):
    good, found = manifest.read(dataset.manifest)[0], detections_table.read(dataset.detections)[0]
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.zeros((100, 100), np.uint8))
    photos = [
        Photo("blank", str(blank), "anger", "train", ""),
        Photo("none", str(tmp_path / "none.jpg"), "fear", "train", ""),
        Photo("out", "out.jpg", "contempt", "", "", "excluded", "not wanted"),
        good,
        Photo("gone", str(tmp_path / "gone.jpg"), "anger", "test", ""),  # removed after its detection
    ]
    detections = [detect.detect_photo(photo, params.detect) for photo in photos[:3]]
    detections += [found, Detection("gone", "ok", "", 10, 10, 90, 90, 1, 1)]
    counts, faces = run(params, tmp_path, photos, detections)
    assert faces.column("status").tolist() == ["no_face", "unreadable", "excluded", "ok", "unreadable"]
    assert counts == {"no_face": 1, "unreadable": 2, "excluded": 1, "ok": 1}
    reasons = faces.column("reason").tolist()
    assert "no face" in reasons[0]
    assert "No such file" in reasons[1]
    assert reasons[2:4] == ["not wanted", ""]
    failed = faces.column("status") != "ok"
    assert not faces.column("landmarks")[failed].any()
    assert faces.crop(3).shape == (256, 256, 3)
    with pytest.raises(InputError, match="row 0 holds no crop"):
        faces.crop(0)


def test_no_face_at_all_still_makes_a_set(params, tmp_path):
    photos = [Photo("out", "out.jpg", "contempt", "", "", "excluded", "not wanted")]
    counts, faces = run(params, tmp_path, photos, [Detection("out", "excluded", "not wanted")])
    assert counts == {"excluded": 1}
    assert len(faces) == 1
    assert faces.column("landmarks").shape == (1, 68, 2)


def test_detections_of_another_manifest_are_refused(dataset, params, tmp_path):
    photos, detections = manifest.read(dataset.manifest), detections_table.read(dataset.detections)
    with pytest.raises(InputError, match=r"detections.csv does not belong to .*manifest.csv: run `aucue detect` again"):
        run(params, tmp_path, photos[:3], detections[1:4])


def test_landmarks_beyond_the_photo_are_kept(orl, params, predictor, tmp_path):
    """A face cut off by the frame: its chin lies outside, and the crop goes on with the border."""
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    whole = tmp_path / "whole.png"
    cv2.imwrite(str(whole), grey)
    photo = Photo("a", str(whole), "anger", "train", "")
    found = detect.detect_photo(photo, params.detect)
    bottom = models.predict(
        cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), (found.left, found.top, found.right, found.bottom), predictor
    )
    cut = tmp_path / "cut.png"
    cv2.imwrite(str(cut), grey[: int(bottom[57, 1])])
    photo = Photo("a", str(cut), "anger", "train", "")
    face = landmarks.align_photo((photo, found), params.landmarks, predictor)
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
    face = landmarks.align_photo((photo, found), params.landmarks, predictor)
    blue, green, red = cv2.imdecode(np.frombuffer(face.crop, np.uint8), cv2.IMREAD_COLOR).mean(axis=(0, 1))
    assert red / green == pytest.approx(2, rel=0.1)
    assert red / blue == pytest.approx(3, rel=0.1)


def test_landmarks_depend_little_on_whose_box_it_was(orl, predictor):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    rectangle = models.detector()(grey, 0)[0]
    box = np.array([rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()], float)
    expected, fault = fit_landmarks(image, tuple(box), predictor, 3)
    assert fault == ""
    side = box[2] - box[0]
    for shift in ([-0.1, -0.1, 0.1, 0.1], [0.1, 0.1, -0.1, -0.1], [0.1, 0.1, 0.1, 0.1]):
        moved = tuple(box + side * np.array(shift))
        points, fault = fit_landmarks(image, moved, predictor, 3)
        assert fault == ""
        assert plausible.disagreement(points, expected) < 0.04


def test_box_without_a_face_gives_no_landmarks_to_train_on(params, predictor, tmp_path, rng):
    noise = cv2.GaussianBlur(rng.integers(0, 256, (200, 200, 3), np.uint8), (0, 0), 0.7)
    for number, image in enumerate([noise, *(np.full((200, 200), grey, np.uint8) for grey in (0, 128, 255))]):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        row = Photo(str(number), str(path), "anger", "train", ""), Detection(str(number), "ok", "", 40, 40, 160, 160)
        face = landmarks.align_photo(row, params.landmarks, predictor)
        assert face.status == "low_confidence"
        assert face.reason == "landmarks did not settle in 4 looks: probably no face, or hardly visible"
        assert not face.landmarks.any()
        assert not face.crop.size


def test_one_look_is_taken_at_its_word(orl, predictor):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    rectangle = models.detector()(grey, 0)[0]
    box = rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()
    points, fault = fit_landmarks(image, box, predictor, 0)
    assert fault == ""
    assert np.array_equal(points, models.predict(image, box, predictor))
    assert not np.array_equal(points, fit_landmarks(image, box, predictor, 3)[0])


def test_fallback_is_the_whole_photo_where_the_box_shows_no_face(orl, params, predictor, tmp_path):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    grey[-70:, -70:] = 0
    path, (height, width) = tmp_path / "a.png", grey.shape
    cv2.imwrite(str(path), grey)
    corner = Detection("a", "ok", "", width - 50.0, height - 50.0, width - 10.0, height - 10.0, level="given")
    row = Photo("a", str(path), "anger", "train", ""), corner
    assert landmarks.align_photo(row, params.landmarks, predictor).status == "low_confidence"
    face = landmarks.align_photo(row, params.landmarks, predictor, fallback="image")
    whole = Detection("a", "ok", "", 0.0, 0.0, float(width), float(height), level="image")
    expected = landmarks.align_photo((row[0], whole), params.landmarks, predictor)
    assert face.status == expected.status == "ok"
    assert np.array_equal(face.landmarks, expected.landmarks)


def test_impossible_landmarks_are_low_confidence(dataset, params, predictor, monkeypatch):
    photo, found = manifest.read(dataset.manifest)[0], detections_table.read(dataset.detections)[0]
    monkeypatch.setattr(models, "predict", lambda *_: np.full((68, 2), 100.0))
    face = landmarks.align_photo((photo, found), params.landmarks, predictor)
    assert (face.status, face.reason) == ("low_confidence", "landmarks collapse to a small part of the box")


def test_missing_model_is_named(dataset, params, tmp_path):
    ours = params.landmarks.model_copy(update={"predictor": "none.dat"})
    with pytest.raises(
        InputError, match="landmarks.predictor 'none.dat' does not exist: give a dlib shape predictor's file"
    ):
        landmarks.main(
            base=params.base,
            params=ours,
            manifest_path=dataset.manifest,
            detections_path=dataset.detections,
            faces_dir=tmp_path,
        )


@pytest.mark.parametrize("workers", [1, 2])
def test_file_that_is_no_model_is_named(dataset, params, tmp_path, workers):
    (tmp_path / "wrong.dat").write_bytes(b"not a model")
    ours = params.landmarks.model_copy(update={"predictor": str(tmp_path / "wrong.dat")})
    base = params.base.model_copy(update={"workers": workers})
    with pytest.raises(InputError, match="wrong.dat is not a dlib shape predictor: give a 68-point dlib model") as caught:
        landmarks.main(
            base=base,
            params=ours,
            manifest_path=dataset.manifest,
            detections_path=dataset.detections,
            faces_dir=tmp_path / "faces",
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "faces" / "index.json").exists()


def test_model_of_other_points_is_named(dataset, params, tmp_path):
    package = pytest.importorskip("face_recognition_models")
    ours = params.landmarks.model_copy(update={"predictor": package.pose_predictor_five_point_model_location()})
    base = params.base.model_copy(update={"workers": 1})
    with pytest.raises(InputError, match="predicts 5 points, not 68: give a 68-point dlib model"):
        landmarks.main(
            base=base,
            params=ours,
            manifest_path=dataset.manifest,
            detections_path=dataset.detections,
            faces_dir=tmp_path / "faces",
        )


# Earlier runs


@pytest.fixture
def again(dataset, params, tmp_path, capfd):
    """Run landmarks on a changed manifest with a cache; returns the shards, and how many faces were finished already."""

    def run(change=lambda photos, detections: (photos, detections), name="faces", **block):
        photos, detections = change(manifest.read(dataset.manifest), detections_table.read(dataset.detections))
        manifest.write(tmp_path / "manifest.csv", photos)
        write_table(tmp_path / "detections.csv", Detection, detections)
        base = params.base.model_copy(update={"workers": 2, "shard_size": 40})
        ours = params.landmarks.model_copy(update=block)
        tables = {"manifest_path": tmp_path / "manifest.csv", "detections_path": tmp_path / "detections.csv"}
        landmarks.main(base=base, params=ours, **tables, faces_dir=tmp_path / name, cache_dir=tmp_path / "cache")
        landmarks.main(base=base, params=ours, **tables, faces_dir=tmp_path / "anew")
        for path in (tmp_path / "anew").iterdir():
            assert path.read_bytes() == (tmp_path / name / path.name).read_bytes(), path.name
        found = re.search(r"landmarks: (\d+) of \d+ faces are finished already", capfd.readouterr().err)
        return int(found[1]) if found else 0

    return run


def test_what_is_finished_is_taken_up_again_whatever_its_place(again):
    everything = again()
    assert everything == 0
    assert again() == 98
    assert again(lambda photos, found: (photos[::-1], found[::-1])) == 98
    assert again(lambda photos, found: (photos[5:], found[5:])) == 93


def test_appended_photos_alone_are_worked_on(again):
    again(lambda photos, found: (photos[:20] + photos[25:], found[:20] + found[25:]))
    assert again() == 93


def test_other_labels_and_splits_cost_no_work(again):
    again()
    swapped = {"test": "train", "train": "test"}
    assert again(lambda photos, found: ([replace(p, split=swapped.get(p.split, p.split)) for p in photos], found)) == 98


@pytest.mark.parametrize("block", [{"crop_size": 128}, {"jpeg_quality": 80}, {"encoding": "raw"}])
def test_other_parameters_begin_anew(again, block):
    again()
    assert again(**block) == 0


def test_other_boxes_and_photos_begin_anew(again):
    def moved(photos, found):
        return photos, [replace(found[0], left=found[0].left + 9), *found[1:]]

    again()
    assert again(moved) == 97


def test_photo_that_changed_since_ingest_is_not_taken_for_itself(again, dataset, tmp_path):
    def changed(photos, found):
        return [replace(photos[0], sha256="0" * 64), *photos[1:]], found

    again()
    assert again(changed) == 97
    faces = ShardSet(tmp_path / "faces", "faces")
    assert faces.column("status").tolist().count("ok") == 97
    assert "changed since `aucue ingest`" in faces.column("reason")[0]
    assert again(changed) == 97  # it may be there again next time


def test_damaged_page_is_made_again(again, tmp_path):
    again()
    page = sorted((tmp_path / "cache").rglob("*.h5"))[0]
    content = bytearray(page.read_bytes())
    content[-100] ^= 255
    page.unlink()
    page.write_bytes(content)
    again()


def test_raw_crops_are_the_pixels(dataset, params, tmp_path):
    base = params.base.model_copy(update={"workers": 1})
    raw = params.landmarks.model_copy(update={"encoding": "raw"})
    landmarks.main(
        base=base, params=raw, manifest_path=dataset.manifest, detections_path=dataset.detections, faces_dir=tmp_path / "raw"
    )
    crops, jpegs = ShardSet(tmp_path / "raw", "faces"), ShardSet(dataset.faces, "faces")
    for row in (0, 50, 97):
        assert crops.crop(row).shape == (256, 256, 3)
        difference = np.abs(crops.crop(row).astype(int) - jpegs.crop(row))
        assert 0 < difference.mean() < 3
