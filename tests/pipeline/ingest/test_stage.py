from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.faces import manifest
from pipeline.faces.manifest import Photo
from pipeline.ingest import stage as ingest
from pipeline.runtime.errors import InputError

LABELS = ("anger", "fear")


@pytest.fixture
def run(params, tmp_path):
    """Ingest a dataset with the labels anger and fear."""

    def run(**changes):
        ours = params.ingest.model_copy(update={"labels": LABELS, "root": str(tmp_path / "root"), **changes})
        return ingest.main(
            base=params.base, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv"
        )

    return run


@pytest.fixture
def folders(tmp_path):
    """Ten photos of each label, without splits."""
    for label in LABELS:
        (tmp_path / "root" / label).mkdir(parents=True)
        for number in range(10):
            cv2.imwrite(str(tmp_path / "root" / label / f"{number}.png"), np.zeros((4, 4), np.uint8))
    return tmp_path / "root"


def rafdb(root, lines, images=True):
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    (root / "Image" / "original").mkdir(parents=True)
    if images:
        (root / "Image" / "original" / "train_0.jpg").write_bytes(b"x")


def test_folder_is_split_and_written(run, folders, tmp_path):
    photos = run(dataset="folder", test_fraction=0.2, validation_fraction=0.25)
    assert manifest.read(tmp_path / "manifest.csv") == photos
    assert [photo.split for photo in photos].count("test") == 4
    assert [photo.split for photo in photos].count("validation") == 4
    assert (tmp_path / "photos").is_dir()


def test_seed_decides_the_split(run, folders, params, tmp_path):
    photos = run(dataset="folder")
    assert run(dataset="folder") == photos
    ours = params.ingest.model_copy(update={"labels": LABELS, "root": str(folders), "dataset": "folder"})
    other = params.base.model_copy(update={"seed": 1})
    assert (
        ingest.main(base=other, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv")
        != photos
    )


def test_unknown_label_of_the_users_own_photos_is_an_error(run, folders, tmp_path):
    (folders / "contempt").mkdir()
    (folders / "contempt" / "1.png").write_bytes(b"x")
    text = r"photo 'contempt/1.png' has the label 'contempt', unknown to ingest.labels \(anger, fear\): mend the label"
    with pytest.raises(InputError, match=text):
        run(dataset="folder")
    assert not (tmp_path / "manifest.csv").exists()
    for name in ("Fear", "FEAER"):
        (folders / "contempt").rename(folders / name)
        text = rf"the label '{name}', unknown to ingest.labels \(anger, fear\): write fear if that is meant, or add it there"
        with pytest.raises(InputError, match=text):
            run(dataset="folder")
        (folders / name).rename(folders / "contempt")


def test_other_classes_of_a_public_dataset_keep_their_row(run, tmp_path):
    """RAF-DB: 6 anger, 2 fear, 4 happiness."""
    lines = [f"train_{i}.jpg {(6, 2, 4)[i % 3]}" for i in range(30)] + ["test_0.jpg 6", "test_1.jpg 4"]
    rafdb(tmp_path / "root", lines)
    photos = run(dataset="rafdb", validation_fraction=0.2)
    assert len(photos) == 32
    out = [photo for photo in photos if photo.status == "excluded"]
    assert len(out) == 11
    assert {(photo.label, photo.split, photo.reason) for photo in out} == {
        ("happiness", "", "label happiness is not in ingest.labels")
    }
    assert [photo.split for photo in photos].count("validation") == 4
    assert photos[30].split == "test"


def test_photos_that_are_elsewhere_are_noticed_at_once(run, tmp_path):
    rafdb(tmp_path / "root", ["train_0.jpg 6", "train_1.jpg 2", "test_0.jpg 6"], images=False)
    with pytest.raises(InputError, match=r"none of the 3 photos exists, e.g. .*train_0.jpg: check ingest.root"):
        run(dataset="rafdb")


@pytest.mark.parametrize("root", ["none", "file"])
def test_root_that_is_no_folder_is_named(run, tmp_path, root):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=f"ingest.root '.*{root}' is not a folder: give the folder of the csv photos"):
        run(dataset="csv", root=str(tmp_path / root))


def test_empty_split_is_named(run, folders, tmp_path):
    with pytest.raises(InputError, match=r"the validation split is empty: .*raise ingest\.validation_fraction"):
        run(dataset="folder", validation_fraction=0.0)
    with pytest.raises(InputError, match=r"the test split is empty: .*raise ingest\.test_fraction"):
        run(dataset="folder", test_fraction=0.0)


def test_same_name_under_two_labels_is_two_photos(run, folders):
    assert len({photo.id for photo in run(dataset="folder")}) == 20


def test_summary_counts_labels_and_splits():
    photos = [Photo(f"{i}", "", label, split, f"s{i}") for i, (label, split) in enumerate([("anger", "train")] * 1200)]
    photos += [Photo("t", "", "fear", "test", ""), Photo("x", "", "contempt", "", "", "excluded", "not wanted")]
    lines = [line.split() for line in ingest.summary(photos).splitlines()]
    assert lines == [
        ["train", "validation", "test"],
        ["anger", "1,200", "0", "0"],
        ["fear", "0", "0", "1"],
        ["1", "excluded:", "not", "wanted"],
    ]


def test_summary_names_a_photo_that_cannot_be_read():
    photos = [Photo("a", "a.png", "fear", "test", "x", sha256="1"), Photo("b", "b.png", "fear", "train", "y")]
    assert "WARNING: 1 photos cannot be read, e.g. b.png: detect says why" in ingest.summary(photos)


def test_subjects_and_copies_in_several_splits_are_warned_of():
    photos = [
        Photo("a", "a.png", "fear", "train", "bob", sha256="1"),
        Photo("b", "b.png", "fear", "test", "bob", sha256="2"),
        Photo("c", "c.png", "fear", "validation", "eve", sha256="3"),
        Photo("d", "d.png", "fear", "test", "mia", sha256="3"),
        Photo("e", "e.png", "fear", "train", "eva", sha256="7"),
        Photo("f", "f.png", "fear", "train", "eva", sha256="7"),
        Photo("g", "g.png", "anger", "train", "ina", sha256="8"),
        Photo("h", "h.png", "fear", "train", "ina", sha256="8"),
    ]
    assert ingest.leaks(photos) == [
        "WARNING: 1 subjects are in more than one split, e.g. bob",
        "WARNING: 2 photos have the same bytes as others, in several splits, e.g. c and d: duplicates.csv lists them",
        "WARNING: 2 photos have the same bytes as others, with several labels, e.g. g and h: duplicates.csv lists them",
    ]
    assert ingest.leaks(photos[:6:5]) == []
    (warning,) = ingest.leaks([replace(photos[4], id=f"{i}", split="test" if i else "train") for i in range(9)])[1:]
    assert warning.endswith("e.g. 0 and 1 and 2 and 6 more: duplicates.csv lists them")
    (warning,) = ingest.leaks([replace(photo, subject="") for photo in photos[:6:5]])
    assert "a person may be in several splits" in warning


def test_file_name_that_is_no_text_is_named(run, folders, tmp_path):
    try:
        (folders / "fear" / "0.png").rename(folders / "fear" / "caf\udce9.png")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match=r"caf\\udce9.png' is not valid UTF-8 text: rename the file"):
        run(dataset="folder", test_fraction=0.2, validation_fraction=0.2)
