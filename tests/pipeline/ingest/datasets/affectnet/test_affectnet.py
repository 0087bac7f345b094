import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.ingest.datasets import DatasetSource, affectnet
from pipeline.runtime.errors import InputError

NAMES = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def source(tmp_path, notes):
    return DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1, notes=notes)


@pytest.fixture
def new_layout(tmp_path):
    """train_set with images 0 to 11 of classes 0 to 7, 0 to 3; val_set with one of each."""
    for folder, numbers in [("train_set", range(12)), ("val_set", range(8))]:
        (tmp_path / folder / "images").mkdir(parents=True)
        (tmp_path / folder / "annotations").mkdir()
        for number in numbers:
            np.save(tmp_path / folder / "annotations" / f"{number}_exp.npy", str(number % 8))
            np.save(tmp_path / folder / "annotations" / f"{number}_val.npy", "0.5")
    return tmp_path


def test_numbers_mean_what_affectnet_says(source, new_layout):
    photos = affectnet.read(source)
    assert [photo.label for photo in photos] == NAMES + NAMES[:4] + NAMES
    assert [photo.split for photo in photos] == ["train"] * 12 + ["test"] * 8
    assert [photo.id for photo in photos[:12]] == [f"train_{number}" for number in range(12)]  # 2 before 10
    assert photos[10].path == (new_layout / "train_set" / "images" / "10.jpg").as_posix()
    assert len({photo.id for photo in photos}) == 20


def test_every_class_is_known_so_that_contempt_is_excluded():
    assert list(affectnet.LABELS.values())[:8] == NAMES
    assert len(affectnet.LABELS) == 11


@pytest.mark.parametrize("content", ["99", "glee", "-1", "1.5", ""])
def test_a_photo_of_an_unknown_class_is_excluded(source, new_layout, content):
    np.save(new_layout / "val_set" / "annotations" / "3_exp.npy", content)
    photo = affectnet.read(source)[15]
    assert (photo.id, photo.status) == ("test_3", "excluded")
    assert photo.reason == f"label {content!r} is unknown: this dataset numbers its classes 0 to 10"


@pytest.mark.parametrize(
    "value", [6, 6.0, "6", b"6", [6], [["6"]], np.uint8(6), np.array([6], ">i4"), "6.0", " 6 ", "Anger", "angry"]
)
def test_a_class_may_be_stored_in_any_way(source, new_layout, value):
    np.save(new_layout / "train_set" / "annotations" / "0_exp.npy", value)
    assert affectnet.read(source)[0].label == "anger"


def test_a_pickled_annotation_is_not_unpickled(source, new_layout):
    np.save(new_layout / "train_set" / "annotations" / "0_exp.npy", np.array({}, dtype=object), allow_pickle=True)
    assert_unreadable(affectnet.read(source)[0])


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_a_photo_with_a_broken_annotation_is_excluded(source, new_layout, content):
    (new_layout / "train_set" / "annotations" / "0_exp.npy").write_bytes(content)
    photos = affectnet.read(source)
    assert_unreadable(photos[0])
    assert {photo.status for photo in photos[1:]} == {"ok"}


def assert_unreadable(photo):
    assert (photo.id, photo.label, photo.status) == ("train_0", "", "excluded")
    assert photo.reason == "its annotation is not a NumPy file with one number: restore it from the archive"


def test_a_set_of_broken_annotations_is_an_error(source, new_layout):
    for number in range(4):
        (new_layout / "val_set" / "annotations" / f"{number}_exp.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"0_exp\.npy: its annotation is not .* \(4 of 8 rows cannot be used\): restore"):
        affectnet.read(source)


def test_any_image_format_and_letter_case(source, new_layout):
    (new_layout / "val_set").rename(new_layout / "Val_Set")
    (new_layout / "Val_Set" / "images").rename(new_layout / "Val_Set" / "Images")
    (new_layout / "train_set" / "annotations" / "5_exp.npy").rename(new_layout / "train_set" / "annotations" / "5_EXP.npy")
    for number, suffix in enumerate((".png", ".JPG", ".jpeg", ".TIF")):
        (new_layout / "Val_Set" / "Images" / f"{number}{suffix}").touch()
    photos = affectnet.read(source)
    assert [Path(photo.path).name for photo in photos[12:]] == [
        "0.png",
        "1.JPG",
        "2.jpeg",
        "3.TIF",
        *(f"{n}.jpg" for n in range(4, 8)),
    ]
    assert photos[5].id == "train_5"


def test_clutter_is_no_annotation(source, new_layout, notes):
    rows = affectnet.read(source)
    for name in ("._0_exp.npy", ".DS_Store", "0_exp.npy~"):
        (new_layout / "train_set" / "annotations" / name).write_bytes(b"x")
    for name in ("._0.jpg", "Thumbs.db", ".ipynb_checkpoints/0-checkpoint.jpg"):
        (new_layout / "train_set" / "images" / name).parent.mkdir(exist_ok=True)
        (new_layout / "train_set" / "images" / name).write_bytes(b"x")
    (new_layout / "__MACOSX" / "train_set" / "annotations").mkdir(parents=True)
    assert affectnet.read(source) == rows
    assert notes[0].startswith("passed over: 6 files of tools and systems")


def test_a_photo_without_annotation_is_excluded(source, new_layout):
    for name in ("3.jpg", "77.jpg", "78.PNG"):
        (new_layout / "val_set" / "images" / name).touch()
    photos = affectnet.read(source)
    assert [(photo.id, photo.status, photo.reason) for photo in photos[20:]] == [
        ("test_77", "excluded", "it has no annotation"), ("test_78", "excluded", "it has no annotation"),
    ]  # fmt: skip
    (new_layout / "val_set" / "annotations" / "3_exp.npy").unlink()
    assert [photo.id for photo in affectnet.read(source) if photo.status == "excluded"] == ["test_3", "test_77", "test_78"]


@pytest.mark.parametrize("above", ["AffectNet", "archive (3)/AffectNet", "a/b/c"])
def test_root_may_be_too_high(new_layout, source, tmp_path, above):
    labels = [photo.label for photo in affectnet.read(source)]
    (tmp_path / "top" / above).mkdir(parents=True)
    for name in ("train_set", "val_set"):
        (new_layout / name).rename(tmp_path / "top" / above / name)
    assert [photo.label for photo in affectnet.read(replace(source, root=tmp_path / "top"))] == labels


def test_archives_in_folders_of_their_names(new_layout, source, tmp_path):
    labels = [photo.label for photo in affectnet.read(source)]
    for name in ("train_set", "val_set"):
        (tmp_path / "unpacked" / name).mkdir(parents=True)
        (new_layout / name).rename(tmp_path / "unpacked" / name / name)
    assert [photo.label for photo in affectnet.read(replace(source, root=tmp_path / "unpacked"))] == labels
    (tmp_path / "unpacked" / "val_set").rename(tmp_path / "unpacked" / "val")
    assert [photo.label for photo in affectnet.read(replace(source, root=tmp_path / "unpacked"))] == labels


def test_without_its_val_set_splits_are_made(source, new_layout, notes):
    shutil.rmtree(new_layout / "val_set")
    photos = affectnet.read(source)
    assert {(photo.id[:6], photo.split) for photo in photos} == {("train_", "")}
    assert "has train photos alone: splits are made from them" in "\n".join(notes)


def test_folders_of_classes(source, tmp_path, notes):
    for file in ("train/0/a.jpg", "train/6/b.jpg", "val/0/c.jpg", "val/7/d.jpg"):
        (tmp_path / "DATA" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "DATA" / file).touch()
    assert [(photo.id, photo.label, photo.split) for photo in affectnet.read(source)] == [
        ("DATA/train/0/a.jpg", "neutral", "train"),
        ("DATA/train/6/b.jpg", "anger", "train"),
        ("DATA/val/0/c.jpg", "neutral", "test"),
        ("DATA/val/7/d.jpg", "contempt", "test"),
    ]
    assert "validation photos serve as test photos" in "\n".join(notes)


def test_folders_of_classes_with_cleaned_labels(source, tmp_path):
    for file in ("Train/anger/a.jpg", "Train/happy/b.jpg", "Test/anger/c.jpg", "Test/happy/d.jpg"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "labels.csv").write_text(",pth,label,relFCs\n0,anger/a.jpg,surprise,0.8\n1,happy/b.jpg,happy,0.9\n")
    labels = {photo.id: photo.label for photo in affectnet.read(source)}
    assert labels == {
        "Train/anger/a.jpg": "surprise", "Train/happy/b.jpg": "happiness",
        "Test/anger/c.jpg": "anger", "Test/happy/d.jpg": "happiness",
    }  # fmt: skip


def test_missing_parts_are_named(source, tmp_path):
    with pytest.raises(
        InputError, match=r"has neither train_set/ nor training\.csv: ingest\.root must be the AffectNet folder"
    ):
        affectnet.read(source)
    (tmp_path / "train_set" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match=r"annotations has no \*_exp.npy: unpack AffectNet's annotations there"):
        affectnet.read(source)


def test_annotations_with_other_numbers_are_what_the_user_says(source, new_layout):
    rename = {"0": "anger", "7": None}
    labels = [photo.label for photo in affectnet.read(replace(source, rename=rename))]
    assert labels[:12] == ["0", *NAMES[1:7], "7", "0", *NAMES[1:4]]  # the common step renames


def move_files(folder, pattern, place):
    place.mkdir(parents=True, exist_ok=True)
    for file in list(folder.glob(pattern)):
        file.rename(place / file.name)


@pytest.mark.parametrize("images", ["images", "images/images", "annotations", "."])
@pytest.mark.parametrize("annotations", ["annotations", "annotations/annotations", "images", "."])
def test_photos_and_annotations_in_other_folders(source, new_layout, images, annotations):
    for split, number in (("train_set", 12), ("val_set", 8)):
        folder = new_layout / split
        for n in range(number + 1):  # the last photo has no annotation
            (folder / "images" / f"{n}.png").touch()
        move_files(folder / "images", "*.png", folder / "aside")
        move_files(folder / "annotations", "*.npy", folder / annotations)
        move_files(folder / "aside", "*.png", folder / images)
        for empty in ("annotations", "images", "aside"):
            if not any((folder / empty).iterdir()):
                (folder / empty).rmdir()
    photos = affectnet.read(source)
    assert [photo.label for photo in photos if photo.status == "ok"] == NAMES + NAMES[:4] + NAMES
    assert all(Path(photo.path).exists() for photo in photos)
    assert {photo.id: photo.reason for photo in photos if photo.status != "ok"} == {
        "train_12": "it has no annotation", "test_8": "it has no annotation",
    }  # fmt: skip


def test_a_set_of_test_photos_is_the_test_split(tmp_path):
    for split, name in (("train", "train_set"), ("validation", "val_set"), ("test", "test_set")):
        for place in ("images", "annotations"):
            (tmp_path / name / place).mkdir(parents=True)
        for number in range(2):
            (tmp_path / name / "images" / f"{split}{number}.jpg").write_bytes(b"x")
            np.save(tmp_path / name / "annotations" / f"{split}{number}_exp.npy", np.array(number))
    photos = affectnet.read(DatasetSource(tmp_path, tmp_path / "photos", ("neutral", "happiness"), 1, 0, 1))
    assert {(photo.id, photo.split) for photo in photos} == {
        (f"{split}_{split}{number}", split) for split in ("train", "validation", "test") for number in range(2)
    }


def test_photos_outside_the_sets_are_counted(tmp_path):
    for name in ("train_set", "val_set"):
        for place in ("images", "annotations"):
            (tmp_path / name / place).mkdir(parents=True)
        (tmp_path / name / "images" / "1.jpg").write_bytes(b"x")
        np.save(tmp_path / name / "annotations" / "1_exp.npy", np.array(1))
    for name in ("extra/images/2.jpg", "loose.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("happiness",), 1, 0, 1)
    assert len(affectnet.read(source)) == 2
    first = f"{tmp_path.as_posix()}/extra/images/2.jpg"
    assert f"not read, since they belong to no split: 2 photos, e.g. {first}" in source.notes


def test_photos_and_annotations_may_lie_in_folders_of_classes(source, tmp_path):
    for split, folder, name, number in (
        *(("train_set", "0", "1", 0), ("train_set", "1", "1", 1), ("train_set", "1", "2", 1)),
        *(("val_set", "0", "1", 0), ("val_set", "3", "7", 3)),
    ):
        for kind in ("images", "annotations"):
            (tmp_path / split / kind / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / split / "images" / folder / f"{name}.jpg").write_bytes(b"x")
        np.save(tmp_path / split / "annotations" / folder / f"{name}_exp.npy", str(number))
    (tmp_path / "val_set" / "images" / "3" / "8.jpg").write_bytes(b"x")
    photos = affectnet.read(source)
    assert [(photo.id, photo.label, photo.split, photo.path.split("/")[-2:]) for photo in photos] == [
        ("train_0_1", "neutral", "train", ["0", "1.jpg"]),
        ("train_1_1", "happiness", "train", ["1", "1.jpg"]),
        ("train_1_2", "happiness", "train", ["1", "2.jpg"]),
        ("test_0_1", "neutral", "test", ["0", "1.jpg"]),
        ("test_3_7", "surprise", "test", ["3", "7.jpg"]),
        ("test_3_8", "", "test", ["3", "8.jpg"]),
    ]
    assert photos[-1].reason == "it has no annotation"


@pytest.mark.parametrize("tables", [{"train.csv": "01", "val.csv": "23"}, {"labels.csv": "0123"}])
def test_a_table_of_photos_and_labels_is_read(source, tmp_path, notes, tables):
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(b"x")
    for name, numbers in tables.items():
        rows = [f"{number}.jpg,{number},{'train' if number in '01' else 'val'}" for number in numbers]
        (tmp_path / name).write_text("\n".join(["image,label,split", *rows]))
    assert [(photo.id, photo.label, photo.split) for photo in affectnet.read(source)] == [
        (f"images/{number}.jpg", NAMES[number], "train" if number < 2 else "test") for number in range(4)
    ]


def test_a_row_of_a_table_without_label_says_so(source, tmp_path):
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,0\nb.jpg,\nc.jpg,2\nd.jpg,3\n")
    assert [photo.reason for photo in affectnet.read(source)] == ["", "no label", "", ""]


def test_a_label_of_a_table_that_affectnet_lacks_is_named(source, tmp_path):
    rows = [f"{number}.jpg,{label}" for number, label in enumerate(["Happy", "7", "6", *["joyless"] * 9])]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *rows]))
    with pytest.raises(InputError, match="label 'joyless' is unknown"):
        affectnet.read(source)


@pytest.mark.parametrize("highest", [7, 8])
def test_a_table_that_counts_from_1_is_refused(source, tmp_path, highest):
    rows = [f"{i}.jpg,{i % highest + 1},{'val' if i % 3 else 'train'}" for i in range(48)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label,split", *rows]))
    problem = rf"labels\.csv: labels are numbered 1 to {highest}, but this dataset numbers its classes 0 to 10: "
    with pytest.raises(InputError, match=problem):
        affectnet.read(source)


def test_the_meaning_of_the_numbers_of_a_table_is_said(source, tmp_path):
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,0\nb.jpg,6.0\nc.jpg,happy\n")
    assert len(affectnet.read(source)) == 3
    assert f"{tmp_path / 'labels.csv'}: the numbers of the labels are read as 0 neutral, 6 anger" in source.notes
