import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.detect import stage as detect
from pipeline.faces import detections as detections_table
from pipeline.faces import dlib_models, manifest
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.faces.tables import write_table
from pipeline.landmarks import align
from pipeline.landmarks import stage as landmarks
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest
from pipeline.shards import ShardSet


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
        again = dlib_models.predict(crop, (left, top, right, bottom), predictor)
        misses.append(np.hypot(*(again - stored).T).mean())
    assert np.median(misses) < 4
    assert np.percentile(misses, 80) < 8  # the predictor itself is unsure of wide open mouths


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
    assert faces.provenance["predictor_sha256"] == dlib_models.SHA256[dlib_models.PREDICTOR]
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


def test_missing_model_is_named(dataset, params, tmp_path):
    ours = params.landmarks.model_copy(update={"predictor": "none.dat"})
    with pytest.raises(
        InputError, match=r"landmarks\.predictor 'none\.dat' does not exist: give a dlib shape predictor's file"
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
    with pytest.raises(InputError, match=r"wrong\.dat is not a dlib shape predictor: give a 68-point dlib model") as caught:
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
    """Run landmarks on a changed manifest of 8 faces with a cache; returns how many faces were finished already."""
    photos = manifest.read(dataset.manifest)
    rows = [[row for row, photo in enumerate(photos) if photo.split == split] for split in manifest.SPLITS]
    some = sorted(rows[0][:4] + rows[1][:2] + rows[2][:2])  # so few that no process has to start
    found = detections_table.read(dataset.detections)

    def run(change=lambda photos, detections: (photos, detections), name="faces", **block):
        chosen, detections = change([photos[row] for row in some], [found[row] for row in some])
        manifest.write(tmp_path / "manifest.csv", chosen)
        write_table(tmp_path / "detections.csv", Detection, detections)
        base = params.base.model_copy(update={"workers": 2, "shard_size": 3})
        ours = params.landmarks.model_copy(update=block)
        tables = {"manifest_path": tmp_path / "manifest.csv", "detections_path": tmp_path / "detections.csv"}
        landmarks.main(base=base, params=ours, **tables, faces_dir=tmp_path / name, cache_dir=tmp_path / "cache")
        landmarks.main(base=base, params=ours, **tables, faces_dir=tmp_path / "again")
        for path in (tmp_path / "again").iterdir():
            assert path.read_bytes() == (tmp_path / name / path.name).read_bytes(), path.name
        said = re.search(r"landmarks: (\d+) of \d+ faces are finished already", capfd.readouterr().err)
        return int(said[1]) if said else 0

    return run


def test_what_is_finished_is_taken_up_again_whatever_its_place(again):
    everything = again()
    assert everything == 0
    assert again() == 8
    assert again(lambda photos, found: (photos[::-1], found[::-1])) == 8
    assert again(lambda photos, found: (photos[1:], found[1:])) == 7


def test_appended_photos_alone_are_worked_on(again):
    again(lambda photos, found: (photos[:3] + photos[4:], found[:3] + found[4:]))
    assert again() == 7


def test_other_labels_and_splits_cost_no_work(again):
    again()
    swapped = {"test": "train", "train": "test"}
    assert again(lambda photos, found: ([replace(p, split=swapped.get(p.split, p.split)) for p in photos], found)) == 8


@pytest.mark.parametrize("block", [{"crop_size": 128}, {"jpeg_quality": 80}, {"encoding": "raw"}])
def test_other_parameters_begin_again(again, block):
    again()
    assert again(**block) == 0


def test_other_boxes_and_photos_begin_again(again):
    def moved(photos, found):
        return photos, [replace(found[0], left=found[0].left + 9), *found[1:]]

    again()
    assert again(moved) == 7


def test_photo_that_changed_since_ingest_is_not_taken_for_itself(again, dataset, tmp_path):
    def changed(photos, found):
        return [replace(photos[0], sha256="0" * 64), *photos[1:]], found

    again()
    assert again(changed) == 7
    faces = ShardSet(tmp_path / "faces", "faces")
    assert faces.column("status").tolist().count("ok") == 7
    assert "changed since `aucue ingest`" in faces.column("reason")[0]
    assert again(changed) == 7  # it may be there again next time


def test_damaged_page_is_made_again(again, tmp_path):
    again()
    page = min((tmp_path / "cache").rglob("*.h5"))
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
