import numpy as np
import pytest

from pipeline.ingest.datasets import DatasetSource, affectnet
from pipeline.runtime.errors import InputError

NAMES = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]


@pytest.fixture
def source(tmp_path):
    return DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1)


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


@pytest.mark.parametrize("content", ["99", "joy", "-1", "1.5"])
def test_unknown_class_is_named(source, new_layout, content):
    np.save(new_layout / "val_set" / "annotations" / "3_exp.npy", content)
    with pytest.raises(
        InputError, match=rf"3_exp.npy: label '{content}' is unknown: this dataset numbers its classes 0 to 10"
    ):
        affectnet.read(source)


def test_number_may_be_stored_as_one(source, new_layout):
    np.save(new_layout / "train_set" / "annotations" / "0_exp.npy", np.int64(6))
    assert affectnet.read(source)[0].label == "anger"


def test_pickled_annotation_is_refused(source, new_layout):
    np.save(new_layout / "train_set" / "annotations" / "0_exp.npy", np.array({}, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"0_exp\.npy: not a NumPy file with one number: restore it"):
        affectnet.read(source)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00"])
def test_broken_annotation_is_named(source, new_layout, content):
    (new_layout / "train_set" / "annotations" / "0_exp.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"0_exp\.npy: not a NumPy file with one number: restore it"):
        affectnet.read(source)


def test_old_layout(source, tmp_path):
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    rows = [f"{number}/a{number}.jpg,0,0,9,9,1;2;3,{number},0.1,0.2\n" for number in range(11)]
    (tmp_path / "training.csv").write_text(header + "".join(rows))
    (tmp_path / "validation.csv").write_text(header + "7/v.jpg,0,0,9,9,1;2,6,0,0\n")
    photos = affectnet.read(source)
    assert [photo.label for photo in photos] == [*NAMES, "none", "uncertain", "no-face", "anger"]
    assert (photos[-1].id, photos[-1].split) == ("7/v.jpg", "test")
    assert photos[0].path == (tmp_path / "0" / "a0.jpg").as_posix()
    (tmp_path / "Manually_Annotated_Images").mkdir()
    assert affectnet.read(source)[0].path == (tmp_path / "Manually_Annotated_Images" / "0" / "a0.jpg").as_posix()


def test_old_layout_gives_boxes(source, tmp_path):
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,expression\n"
    (tmp_path / "training.csv").write_text(header + "a.jpg,12,34,100,110,0\nb.jpg,0,0,0,0,1\nc.jpg,,,,,2\n")
    (tmp_path / "validation.csv").write_text("subDirectory_filePath,expression\nv.jpg,6\n")
    assert [photo.box for photo in affectnet.read(source)] == [(12, 34, 112, 144), None, None, None]
    (tmp_path / "validation.csv").write_text(header + "v.jpg,1,2,x,4,0\n")
    with pytest.raises(InputError, match=r"validation\.csv line 2: face box '1 2 x 4' is not four numbers: restore"):
        affectnet.read(source)


def test_old_layout_names_the_line(source, tmp_path):
    (tmp_path / "training.csv").write_text("subDirectory_filePath,expression\na.jpg,1\nb.jpg,11\n")
    (tmp_path / "validation.csv").write_text("subDirectory_filePath,expression\nc.jpg,1\n")
    with pytest.raises(InputError, match=r"training\.csv line 3: label '11' is unknown"):
        affectnet.read(source)


def test_missing_parts_are_named(source, tmp_path):
    with pytest.raises(
        InputError, match=r"has neither train_set/ nor training\.csv: ingest\.root must be the AffectNet folder"
    ):
        affectnet.read(source)
    (tmp_path / "training.csv").write_text("subDirectory_filePath,expression\na.jpg,1\n")
    with pytest.raises(InputError, match=r"validation\.csv does not exist"):
        affectnet.read(source)
    (tmp_path / "train_set").mkdir()
    with pytest.raises(InputError, match=r"annotations has no \*_exp.npy: unpack AffectNet's annotations there"):
        affectnet.read(source)
