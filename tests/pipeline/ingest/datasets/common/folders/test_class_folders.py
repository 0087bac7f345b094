import pytest

from pipeline.ingest.datasets.affectnet import LABELS as AFFECTNET
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders import class_folders
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.rafdb import LABELS
from pipeline.runtime.errors import InputError


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def read(tmp_path, notes):
    """Read empty photos in the given folders, or return None if they are no copy in folders of classes."""

    def read(*files, labels=LABELS, **rename):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        tree = Tree(tmp_path, notes)
        names = ClassNames(labels, rename)
        found = class_folders.find(tree, tmp_path, names)
        photos = found and class_folders.photos_of(tree, found, names)
        tree.report_clutter()
        return photos

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


def excluded(photos):
    """The photos that are left out, each with its reason."""
    return {photo.id: photo.reason for photo in photos if photo.status == "excluded"}


@pytest.mark.parametrize(
    "file", ["test/a.jpg", "train/a.jpg", "a.jpg", "extra/happy/a.jpg", "train.2/a/b/c.PNG", "happy/a.jpg"]
)
def test_a_photo_beside_the_folders_of_classes_is_excluded(read, file):
    photos = read("train/happy/1.jpg", "train/sad/2.jpg", "test/sad/3.jpg", file)
    assert excluded(photos) == {file: "it lies in no label folder"}
    assert len(photos) == 4


def test_a_file_of_an_unknown_format_is_excluded(read):
    photos = read("train/happy/1.docx", "train/happy/1.HEIC", "train/happy/2.jpg", "train/sad/3.jpg")
    assert excluded(photos) == {
        "train/happy/1.docx": "its suffix '.docx' is not that of an image",
        "train/happy/1.HEIC": ".HEIC pictures are not read: convert it to PNG or JPEG",
    }


@pytest.mark.parametrize("inner", ["test", "old/Val", "TESTING/more"])
def test_a_folder_of_another_split_in_a_class_gives_no_photos(read, inner):
    photos = read(f"train/happy/{inner}/1.jpg", "train/happy/2.jpg", "train/sad/train/3.jpg", "test/sad/3.jpg")
    name = next(part for part in inner.split("/") if part not in ("old", "more"))
    assert excluded(photos) == {f"train/happy/{inner}/1.jpg": f"its folder {name!r} names a split, inside a label's folder"}


def test_a_broken_link_and_a_link_in_a_circle_are_not_dropped(read, tmp_path, notes):
    for folder in ("train/happy", "train/sad", "test/sad"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "train" / "happy" / "1.png").symlink_to("nowhere")
    (tmp_path / "test" / "archive").symlink_to("nowhere")
    (tmp_path / "test" / "sad" / "again").symlink_to(tmp_path)
    photos = read("train/happy/2.jpg", "train/sad/2.jpg", "test/sad/3.jpg")
    assert {photo.id: photo.reason for photo in photos if photo.reason} == {
        "test/archive": "a link whose target does not exist",
    }
    assert len(photos) == 5  # later stages say why they cannot read 1.png
    assert f"passed over: 1 link to a folder that holds the link ({tmp_path.as_posix()}/test/sad/again)" in notes


def test_a_linked_folder_is_read(read, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "x.jpg").touch()
    (tmp_path / "train" / "happy").mkdir(parents=True)
    (tmp_path / "train" / "happy" / "more").symlink_to(elsewhere)
    photos = read("train/happy/2.jpg", "train/sad/2.jpg")
    assert [photo.id for photo in photos] == ["train/happy/2.jpg", "train/happy/more/x.jpg", "train/sad/2.jpg"]


def test_folders_without_photos_are_counted(read, notes):
    photos = read("train/happy/1.jpg", "train/sad/2.jpg", "train/annotations/1.txt", "docs/a/b.pdf", "readme.txt")
    assert excluded(photos) == {}
    assert any(line.startswith("passed over: 2 folders without photos, with 2 files (") for line in notes)


@pytest.mark.parametrize("split", ["train/", ""])
@pytest.mark.parametrize("name", ["hapiness", "Happines", "Suprised"])
def test_the_reason_of_a_misspelt_class_names_the_class(read, split, name):
    photos = read(*(f"{split}{label}/a.jpg" for label in (name, "happy", "sad", "fear")))
    meant = "surprise" if name == "Suprised" else "happiness"
    assert excluded(photos) == {
        f"{split}{name}/a.jpg": f"its folder {name!r} is none of the dataset's classes: write ingest.rename: "
        f"{{{name}: {meant}}} in params.yaml if that is meant"
    }
    assert excluded(read(**{name: meant})) == {}


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


OTHERWISE = "look at some photos, and write for all numbers which class they are in params.yaml, such as ingest.rename: {'"
FROM_0 = {str(number): name for number, name in enumerate(LABELS.values())}


@pytest.mark.parametrize("splits", [("train/", "test/"), ("",)])
def test_a_copy_with_other_numbers_is_refused_unless_they_are_renamed(read, splits):
    files = [f"{split}{number}/a.jpg" for split in splits for number in range(7)]
    with pytest.raises(InputError, match=rf"numbered 0 to 6, but .* its classes 1 to 7: {OTHERWISE}0': sur"):
        read(*files)
    with pytest.raises(InputError, match=OTHERWISE):
        read(*files, **{"0": "surprise"})  # and the others?
    photos = read(*files, **FROM_0)
    assert {photo.label for photo in photos} == set("0123456")
    assert len(photos) == len(files)


def test_a_class_of_the_own_numbers_may_be_left_out(read, notes):
    photos = read("train/1/a.jpg", "train/7/a.jpg", "test/1/a.jpg", **{"7": None})
    assert [photo.label for photo in photos] == ["surprise", "surprise", "7"]
    assert "the numbers of the folders are read as 1 surprise" in "\n".join(notes)


@pytest.mark.parametrize("numbers", [range(1, 8), range(1, 9), (1, 3, 6), range(2, 7)])
def test_a_copy_without_the_first_class_in_train_is_refused(read, numbers):
    """Read with the dataset's numbers, all its labels would be shifted."""
    files = [f"{split}/{number}/a.jpg" for number in numbers for split in ("train", "val")]
    with pytest.raises(
        InputError,
        match=rf"numbered {min(numbers)} to {max(numbers)}, but .* classes 0 to 10: {OTHERWISE}0': null, '{min(numbers)}':",
    ):
        read(*files, "val/0/a.jpg", labels=AFFECTNET)
    photos = read(labels=AFFECTNET, **dict.fromkeys(map(str, (0, *numbers)), "anger"))
    assert {photo.label for photo in photos} == {str(number) for number in (0, *numbers)}


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


def test_splits_may_lie_in_the_classes(read, notes):
    photos = read(*(f"{label}/{split}/a.jpg" for label in ("1", "7") for split in ("train", "test")), "1/loose.jpg")
    assert [(photo.id, photo.label, photo.split) for photo in photos if photo.status == "ok"] == [
        ("1/test/a.jpg", "surprise", "test"),
        ("1/train/a.jpg", "surprise", "train"),
        ("7/test/a.jpg", "neutral", "test"),
        ("7/train/a.jpg", "neutral", "train"),
    ]
    assert excluded(photos) == {"1/loose.jpg": "it lies in no label folder"}
    assert "the numbers of the folders are read as 1 surprise, 7 neutral" in "\n".join(notes)


def test_a_class_without_folders_of_splits_is_named(read, tmp_path):
    with pytest.raises(InputError, match=r"sad holds no folder of a split, but other classes do: sort its photos"):
        read("happy/train/a.jpg", "happy/test/b.jpg", "sad/c.jpg")


@pytest.mark.parametrize("name", ["dev", "train"])
def test_a_folder_named_as_one_split_in_classes_is_no_split(read, name):
    photos = read(f"happy/{name}/a.jpg", f"sad/{name}/b.jpg", "sad/ben/c.jpg")
    assert {(photo.status, photo.split) for photo in photos} == {("ok", "")}
