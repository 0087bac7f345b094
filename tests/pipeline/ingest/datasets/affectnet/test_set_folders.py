from pathlib import Path

import numpy as np
import pytest

from pipeline.ingest.datasets import DatasetSource, affectnet
from pipeline.runtime.errors import InputError

NUMBERS = {"1": 0, "2": 1, "3": 0, "4": 2}  # of photos -> of their classes


@pytest.fixture
def read(tmp_path):
    """Read sets, after photos and annotations were put where two functions of their numbers and classes say."""

    def read(place_of_photo, place_of_annotation, numbers=NUMBERS):
        for split in ("train_set", "val_set"):
            for number, label in numbers.items():
                photo = tmp_path / split / place_of_photo(number, label) / f"{number}.jpg"
                annotation = tmp_path / split / place_of_annotation(number, label) / f"{number}_exp.npy"
                for file in (photo, annotation):
                    file.parent.mkdir(parents=True, exist_ok=True)
                photo.write_bytes(b"x")
                np.save(annotation, str(label))
        return affectnet.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1))

    return read


def flat(kind):
    return lambda number, label: kind


def sorted_by_class(kind):
    return lambda number, label: f"{kind}/{label}"


def mixed(kind):
    return lambda number, label: f"{kind}/{label}" if int(number) % 2 else kind


@pytest.mark.parametrize("of_photo", [flat, sorted_by_class, mixed])
@pytest.mark.parametrize("of_annotation", [flat, sorted_by_class, mixed])
def test_photos_and_annotations_may_each_be_sorted_by_class(read, of_photo, of_annotation):
    photos = read(of_photo("images"), of_annotation("annotations"))
    names = ("neutral", "happiness", "sadness")
    found = {(photo.split, Path(photo.path).stem): (photo.label, Path(photo.path).is_file()) for photo in photos}
    assert found == {
        (split, number): (names[label], True) for split in ("train", "test") for number, label in NUMBERS.items()
    }
    assert len(photos) == len(found)


def test_a_part_without_annotations_says_so(read, tmp_path):
    for split in ("train_set", "val_set"):
        (tmp_path / split / "images" / "7").mkdir(parents=True)
        (tmp_path / split / "images" / "7" / "9.jpg").write_bytes(b"x")
    photos = read(sorted_by_class("images"), sorted_by_class("annotations"))
    assert {photo.id: photo.reason for photo in photos if photo.reason} == {
        "train_7_9": "it has no annotation", "test_7_9": "it has no annotation",
    }  # fmt: skip


def test_an_annotation_among_the_photos_counts_less(read, tmp_path):
    (tmp_path / "train_set" / "images").mkdir(parents=True)
    np.save(tmp_path / "train_set" / "images" / "1_exp.npy", "6")
    photos = read(flat("images"), flat("annotations"))
    assert [photo.label for photo in photos if photo.id == "train_1"] == ["neutral"]


def test_annotations_in_a_folder_too_many_are_read_once(read, tmp_path):
    (tmp_path / "train_set" / "annotations" / "0").mkdir(parents=True)
    photos = read(sorted_by_class("images"), sorted_by_class("annotations/annotations"))
    assert len(photos) == 2 * len(NUMBERS)


def test_classes_that_count_from_1_are_refused(read):
    numbers = {str(number): number % 8 + 1 for number in range(16)}
    with pytest.raises(InputError, match="annotations are numbered 1 to 8, but this dataset numbers its classes 0 to 10"):
        read(flat("images"), flat("annotations"), numbers)
