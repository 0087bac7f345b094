import re

import pytest

from pipeline.runtime.errors import InputError


def ok(photos):
    return [(photo.id, photo.label, photo.split, photo.subject) for photo in photos if photo.status == "ok"]


@pytest.mark.parametrize("names", [("subject01", "subject02"), ("S005", "S010"), ("01", "02"), ("anna", "ben", "carla")])
@pytest.mark.parametrize("labels", [("anger", "fear"), ("Angry", "1_fear")])
def test_folders_around_labels_are_subjects(read, source, names, labels):
    photos = read(*(f"{name}/{label}/a.jpg" for name in names for label in labels), f"{names[0]}/notes.txt")
    assert ok(photos) == [(f"{name}/{label}/a.jpg", label, "", name) for name in names for label in sorted(labels)]
    (note,) = source.notes
    assert note == f"the {len(names)} folders around the labels in {source.root} ({', '.join(names)}) are taken as subjects"


def test_a_subject_may_lack_labels(read):
    assert {photo.subject for photo in read("subject01/anger/a.jpg", "subject02/fear/b.jpg")} == {"subject01", "subject02"}


def test_numbers_of_classes_may_lie_in_folders_of_persons(read):
    assert ok(read("subject01/0/a.jpg", "subject02/1/b.jpg"))[1] == ("subject02/1/b.jpg", "1", "", "subject02")


def test_subjects_may_lie_in_splits(read):
    photos = read("train/s1/anger/a.jpg", "train/s2/fear/b.jpg", "test/s3/anger/c.jpg", "test/s4/fear/d.jpg")
    assert {(photo.split, photo.subject) for photo in photos} == {
        ("train", "s1"),
        ("train", "s2"),
        ("test", "s3"),
        ("test", "s4"),
    }


@pytest.mark.parametrize("names", [("subject01", "subject02"), ("S5", "s6"), ("person_1", "Person 2")])
def test_folders_in_labels_that_are_named_as_persons_are_subjects(read, source, names):
    photos = read(*(f"{label}/{name}/deep/a.jpg" for label in ("anger", "fear") for name in names), "fear/notes.txt")
    assert {(photo.label, photo.subject) for photo in photos if photo.status == "ok"} == {
        (label, name) for label in ("anger", "fear") for name in names
    }
    assert [photo.id for photo in photos if photo.status == "excluded"] == ["fear/notes.txt"]
    assert source.notes == [f"the folders in the label folders, such as in {source.root}/anger, are taken as subjects"]


@pytest.mark.parametrize("other", ["fear/a.jpg", "fear/frontal/a.jpg", "fear/2024/a.jpg"])
def test_other_folders_in_labels_are_no_subjects(read, other):
    assert {photo.subject for photo in read("anger/s1/a.jpg", "anger/s2/b.jpg", other)} == {""}


@pytest.mark.parametrize("name", ["fold{}", "Fold_{}", "k-fold {}", "cv{}", "part{}", "batch_{}", "split{}", "2021-03-0{}"])
def test_folds_and_parts_are_taken_together(read, source, name):
    folders = [name.format(number) for number in range(1, 6)]
    photos = read(*(f"{folder}/{label}/a.jpg" for folder in folders for label in ("anger", "fear")))
    assert ok(photos) == [(f"{folder}/{label}/a.jpg", label, "", "") for folder in folders for label in ("anger", "fear")]
    (note,) = source.notes
    assert note.startswith(
        f"the photos in {', '.join(folders[:3])}, ... are taken together, as parts of one dataset: to test"
    )


@pytest.mark.parametrize(
    "files",
    [
        ("fold1/train/anger/a.jpg", "fold2/train/anger/a.jpg"),  # the same photos in each fold
        ("fer/anger/a.jpg", "raf/anger/a.jpg"),  # two datasets
        ("s1/anger/a.jpg", "s2/b.jpg"),
        ("s1/anger/a.jpg", "s2/other/b.jpg"),
    ],
)
def test_other_folders_around_labels_are_named(read, files):
    with pytest.raises(InputError, match=r"holds folders of no label .*, and labels deeper in them"):
        read(*files)


@pytest.mark.parametrize(
    "names", [("train1", "train2"), ("train_a", "test_a"), ("my_train", "my_test"), ("train (1)", "train (2)")]
)
def test_folders_that_may_be_splits_are_named(read, names):
    with pytest.raises(InputError, match=re.escape(f"holds the folders {', '.join(sorted(names))}, with labels (anger)")):
        read(*(f"{name}/anger/a.jpg" for name in names))


def test_labels_with_folders_of_labels_are_no_subjects(read):
    assert {(photo.label, photo.subject) for photo in read("anger/fear/a.jpg", "fear/anger/a.jpg", "x1/fear/b.jpg")} == {
        ("anger", ""),
        ("fear", ""),
        ("x1", ""),
    }
