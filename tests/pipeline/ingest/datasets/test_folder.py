from pathlib import Path

import pytest

from pipeline.ingest.datasets import DatasetSource, folder
from pipeline.runtime.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(*files):
        for file in files:
            path = tmp_path / "root" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        (tmp_path / "root").mkdir(exist_ok=True)
        return folder.read(DatasetSource(tmp_path / "root", tmp_path / "photos", ("anger", "fear"), 1, 0, 1))

    return read


def test_labels_are_folders(read, tmp_path):
    photos = read("fear/b.png", "anger/a.jpg", "anger/more/c.JPEG")
    assert [(photo.id, photo.label, photo.split, photo.subject) for photo in photos] == [
        ("anger/a.jpg", "anger", "", ""),
        ("anger/more/c.JPEG", "anger", "", ""),
        ("fear/b.png", "fear", "", ""),
    ]
    assert all(Path(photo.path).is_file() for photo in photos)


@pytest.mark.parametrize("name", ["validation", "valid", "val"])
def test_splits_are_folders(read, name):
    photos = read("train/anger/a.jpg", "train/fear/a.jpg", "test/fear/a.jpg", f"{name}/anger/a.jpg")
    assert {(photo.id, photo.label, photo.split) for photo in photos} == {
        ("train/anger/a.jpg", "anger", "train"),
        ("train/fear/a.jpg", "fear", "train"),
        ("test/fear/a.jpg", "fear", "test"),
        (f"{name}/anger/a.jpg", "anger", "validation"),
    }


def test_what_is_no_photo_of_a_label_is_excluded_with_the_reason(read):
    photos = read("anger/a.jpg", "anger/notes.txt", "README.md", "loose.jpg", ".cache/b.jpg", "fear/Thumbs.db")
    assert [photo.id for photo in photos if photo.status == "ok"] == ["anger/a.jpg"]
    assert {photo.id: photo.reason for photo in photos if photo.status == "excluded"} == {
        "anger/notes.txt": "its suffix '.txt' is not that of an image",
        "fear/Thumbs.db": "its suffix '.db' is not that of an image",
        "loose.jpg": "it lies in no label folder",
    }


def test_every_image_suffix_counts(read):
    names = [f"anger/{i}{suffix}" for i, suffix in enumerate([".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".TIFF"])]
    assert len(read(*names)) == 7


@pytest.mark.parametrize("files", [(), ("a.jpg",), ("anger/a.txt",), ("train/a.jpg", "test/a.jpg")])
def test_no_photo_is_an_error(read, files):
    with pytest.raises(InputError, match=r"no photo under .*root: it must hold label/\*.jpg or split/label/\*.jpg"):
        read(*files)


def test_a_label_beside_splits_makes_all_of_them_labels(read):
    assert {photo.label for photo in read("train/anger/a.jpg", "anger/a.jpg")} == {"train", "anger"}
