import pytest

from pipeline.ingest.datasets.affectnet import LABELS as AFFECTNET
from pipeline.ingest.datasets.common import class_folders
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.datasets.rafdb import LABELS
from pipeline.runtime.errors import InputError


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def read(tmp_path, notes):
    """Read empty photos in the given folders, or return None if they are no copy in folders of classes."""

    def read(*files):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        tree = Tree(tmp_path, notes)
        found = class_folders.find(tree, tmp_path, LABELS)
        return found and class_folders.photos_of(tree, found, LABELS)

    return read


@pytest.mark.parametrize("names", [("5", "6"), ("Sad", "angry"), ("5_sadness", "6_Anger"), ("class005", "class006")])
@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Train", "TEST"), ("train_set", "test_set"), ("training", "val")]
)
def test_folders_of_classes_in_folders_of_splits(read, names, train, test):
    photos = read(*(f"{split}/{name}/a.JPG" for split in (train, test) for name in names))
    assert {(photo.label, photo.split) for photo in photos} == {
        (label, split) for label in ("sadness", "anger") for split in ("train", "test")
    }
    assert sorted(photo.id for photo in photos) == sorted(
        f"{split}/{name}/a.JPG" for split in (train, test) for name in names
    )


def test_without_splits(read):
    photos = read("happy/a.jpg", "happy/more/b.png", "sad/c.jpg", "readme.txt")
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("happy/a.jpg", "happiness", ""), ("happy/more/b.png", "happiness", ""), ("sad/c.jpg", "sadness", ""),
    ]  # fmt: skip


def test_validation_stays_beside_a_test_split(read, notes):
    photos = read(*(f"{split}/{name}/a.jpg" for split in ("train", "valid", "test") for name in ("1", "2")))
    assert {photo.id.split("/")[0]: photo.split for photo in photos} == {
        "train": "train",
        "valid": "validation",
        "test": "test",
    }
    assert "validation photos serve as test" not in "\n".join(notes)


def test_the_meaning_of_numbers_is_said(read, notes):
    read("train/1/a.jpg", "train/7/a.jpg", "test/1/a.jpg")
    assert "the numbers of the folders are read as 1 surprise, 7 neutral" in "\n".join(notes)


def test_a_copy_with_other_numbers_is_refused(read):
    with pytest.raises(
        InputError, match=r"0: this dataset numbers its classes 1 to 7: rename the folders of classes to names"
    ):
        read(*(f"{split}/{number}/a.jpg" for split in ("train", "test") for number in range(7)))


@pytest.mark.parametrize("numbers", [range(1, 8), range(1, 9), (1, 3, 6), range(2, 7)])
def test_a_copy_without_the_first_class_in_train_is_refused(tmp_path, numbers):
    """Read with the dataset's numbers, all its labels would be shifted."""
    for number in numbers:
        for split in ("train", "val"):
            (tmp_path / split / str(number)).mkdir(parents=True)
    (tmp_path / "val" / "0").mkdir()
    tree = Tree(tmp_path, [])
    found = class_folders.find(tree, tmp_path, AFFECTNET)
    with pytest.raises(
        InputError,
        match=rf"train: folders of classes are numbered {min(numbers)} to {max(numbers)}, but .* from 0: rename",
    ):
        class_folders.photos_of(tree, found, AFFECTNET)


def test_a_folder_of_another_name_is_excluded(read):
    photos = read("train/1/a.jpg", "train/2/a.jpg", "train/masks/a.jpg", "test/1/a.jpg")
    assert [photo.reason for photo in photos if photo.status == "excluded"] == [
        "its folder 'masks' is none of the dataset's classes"
    ]


@pytest.mark.parametrize(
    "files",
    [
        (),
        ("a.jpg",),
        ("1/a.jpg",),
        ("images/a.jpg", "labels/a.txt"),
        ("1/a.jpg", "2/a.jpg", "x/a.jpg"),
        ("2/a.jpg", "3/a.jpg"),
    ],
)
def test_other_folders_are_no_copy(read, files):
    assert read(*files) is None


def test_clutter_is_no_photo(read):
    photos = read("1/a.jpg", "1/._a.jpg", "2/b.jpg", "2/.ipynb_checkpoints/b-checkpoint.jpg", "__MACOSX/1/._a.jpg")
    assert [photo.id for photo in photos] == ["1/a.jpg", "2/b.jpg"]
