from pathlib import Path

import pytest

from pipeline.ingest.datasets import DatasetSource, folder
from pipeline.runtime.errors import InputError


@pytest.fixture
def link(source, tmp_path):
    """Make a link in the root, or skip where the system makes none."""

    def link(name, target):
        path = source.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.symlink_to(target, target_is_directory=True)
        except OSError:
            pytest.skip("this system makes no links")

    return link


def ok(photos):
    return [photo.id for photo in photos if photo.status == "ok"]


def test_labels_are_folders(read, tmp_path):
    photos = read("fear/b.png", "anger/a.jpg", "anger/more/c.JPEG")
    assert [(photo.id, photo.label, photo.split, photo.subject) for photo in photos] == [
        ("anger/a.jpg", "anger", "", ""),
        ("anger/more/c.JPEG", "anger", "", ""),
        ("fear/b.png", "fear", "", ""),
    ]
    assert all(Path(photo.path).is_file() for photo in photos)


@pytest.mark.parametrize("name", ["validation", "valid", "val", "VAL", "Validation", "dev", "eval", "val_set"])
def test_splits_are_folders(read, name):
    photos = read("train/anger/a.jpg", "train/fear/a.jpg", "test/fear/a.jpg", f"{name}/anger/a.jpg")
    assert {(photo.id, photo.label, photo.split) for photo in photos} == {
        ("train/anger/a.jpg", "anger", "train"),
        ("train/fear/a.jpg", "fear", "train"),
        ("test/fear/a.jpg", "fear", "test"),
        (f"{name}/anger/a.jpg", "anger", "validation"),
    }


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("training", "TESTING"), ("train_set", "test-images")])
def test_splits_have_many_names(read, train, test):
    photos = read(f"{train}/anger/a.jpg", f"{test}/anger/a.jpg")
    assert {photo.split for photo in photos} == {"train", "test"}
    assert {photo.label for photo in photos} == {"anger"}


def test_what_is_no_photo_of_a_label_is_excluded_with_the_reason(read):
    photos = read("anger/a.jpg", "anger/notes.txt", "README.md", "loose.jpg", ".cache/b.jpg", "fear/list.db")
    assert ok(photos) == ["anger/a.jpg"]
    assert {photo.id: photo.reason for photo in photos if photo.status == "excluded"} == {
        "anger/notes.txt": "its suffix '.txt' is not that of an image",
        "fear/list.db": "its suffix '.db' is not that of an image",
        "loose.jpg": "it lies in no label folder",
    }


def test_clutter_is_counted_and_becomes_nothing(read, source):
    clutter = (
        *("anger/.ipynb_checkpoints/a-checkpoint.jpg", "anger/._a.jpg", "anger/deep/@eaDir/a.jpg/THUMB.jpg"),
        *("fear/Thumbs.db", "fear/desktop.ini", "fear/b.jpg~", ".git/objects/x.jpg", "lost+found/y.png"),
        *("__MACOSX/anger/._a.jpg", "$RECYCLE.BIN/z.jpg", ".Trash-1000/files/t.jpg", "anger/__pycache__/p.pyc"),
    )
    photos = read("anger/a.jpg", "anger/photo - Copy.jpg", "fear/b (1).jpg", *clutter)
    assert [photo.id for photo in photos] == ["anger/a.jpg", "anger/photo - Copy.jpg", "fear/b (1).jpg"]
    (note,) = source.notes
    assert note == ("passed over: 12 files of tools and systems ($RECYCLE.BIN, .Trash-1000, ._a.jpg, .git, 8 more)")


def test_clutter_and_folders_without_photos_beside_splits_are_passed_over(read, source):
    clutter = ("__MACOSX/train/._x.jpg", "annotations/a.xml", "annotations/deep/b.xml", "train/labels/a.txt")
    photos = read("train/anger/a.jpg", "test/fear/a.jpg", *clutter)
    assert {(photo.id, photo.label, photo.split) for photo in photos} == {
        ("train/anger/a.jpg", "anger", "train"),
        ("test/fear/a.jpg", "fear", "test"),
    }
    root = source.root.as_posix()
    assert source.notes == [
        "passed over: 1 file of tools and systems (__MACOSX)",
        f"passed over: 2 folders without photos, with 3 files ({root}/annotations, {root}/train/labels)",
    ]


def test_photos_in_another_folder_beside_splits_are_excluded(read):
    photos = read("train/anger/a.jpg", "test/fear/a.jpg", "samples/deep/s.jpg")
    assert ok(photos) == ["test/fear/a.jpg", "train/anger/a.jpg"]
    assert [(photo.id, photo.reason) for photo in photos[2:]] == [("samples/deep/s.jpg", "it lies in no label folder")]


@pytest.mark.parametrize("name", ["train_augmented", "train_aug", "original"])
def test_the_reason_of_a_folder_of_labels_beside_splits_is_true(read, name):
    photos = read("train/anger/a.jpg", "test/fear/a.jpg", f"{name}/anger/deep/a.jpg", f"{name}/b.jpg")
    assert ok(photos) == ["test/fear/a.jpg", "train/anger/a.jpg"]
    assert {photo.id: photo.reason for photo in photos[2:]} == {
        f"{name}/anger/deep/a.jpg": f"{name} is neither a split nor a label",
        f"{name}/b.jpg": "it lies in no label folder",
    }


def test_an_unknown_folder_beside_the_only_split_is_named(read):
    with pytest.raises(
        InputError, match=r"root holds test, and folders that are neither a split nor a label \(train_aug\): na"
    ):
        read("test/anger/a.jpg", "train_aug/anger/a.jpg")


def test_names_around_the_root_are_nobodys_business(tmp_path):
    root = tmp_path / ".data" / "__MACOSX" / "train"
    (root / "anger").mkdir(parents=True)
    (root / "anger" / "a.jpg").write_bytes(b"x")
    assert ok(folder.read(DatasetSource(root, tmp_path, ("anger", "fear"), 1, 0, 1))) == ["anger/a.jpg"]


@pytest.mark.parametrize("wrapper", ["archive", "archive/Faces 2", "data/data", "2013"])
@pytest.mark.parametrize("inside", ["{}/a.jpg", "train/{}/a.jpg", "images/train/{}/a.jpg"])
def test_root_may_be_too_high(read, source, wrapper, inside):
    names = [f"{wrapper}/{inside.format(label)}" for label in ("anger", "fear")]
    photos = read(*names, "__MACOSX/x/._a.jpg", f"{wrapper}/readme.txt", "docs/license.txt")
    assert ok(photos) == names
    assert [photo.label for photo in photos] == ["anger", "fear"]
    assert {photo.split for photo in photos} == {""}
    is_lone_split = any("has train photos alone: splits are made from them" in note for note in source.notes)
    assert is_lone_split == ("train" in inside)
    assert any("all photos are in " in note for note in source.notes)


@pytest.mark.parametrize("set_", ["{}/{}/x.jpg", "{}/train/{}/x.jpg", "train/{}/{}/x.jpg"])
def test_labels_below_several_folders_are_named(read, source, set_):
    text = r"root(/train)? holds folders of no label \(fer\), and labels deeper in them \(anger\): .* such as .*/fer$"
    with pytest.raises(InputError, match=text):
        read(*(set_.format(name, "anger") for name in ("fer", "raf")))


@pytest.mark.parametrize("label", ["fear", "Fearful", "7"])
def test_a_single_label_is_no_wrapper(read, label):
    assert {photo.label for photo in read(f"{label}/anna/a.jpg", f"{label}/ben/b.jpg")} == {label}


def test_a_folder_inside_a_split_may_wrap_the_labels(read):
    photos = read("train/images/anger/a.jpg", "test/test/anger/b.jpg", "train/x.jpg")
    assert [(photo.id, photo.label, photo.split) for photo in photos if photo.status == "ok"] == [
        ("test/test/anger/b.jpg", "anger", "test"),
        ("train/images/anger/a.jpg", "anger", "train"),
    ]
    assert [photo.id for photo in photos if photo.status == "excluded"] == ["train/x.jpg"]


def test_splits_may_lie_inside_labels(read, source):
    photos = read("anger/Train/a.jpg", "anger/test/b.jpg", "fear/Train/more/c.jpg")
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("anger/Train/a.jpg", "anger", "train"),
        ("anger/test/b.jpg", "anger", "test"),
        ("fear/Train/more/c.jpg", "fear", "train"),
    ]
    assert source.notes == ["each label's folder holds folders of splits"]


@pytest.mark.parametrize("other", ["fear/x.jpg", "fear/anna/x.jpg"])
def test_folders_in_labels_are_only_splits_if_every_label_has_them(read, other):
    with pytest.raises(InputError, match=r"root/fear holds no folder of a split, but other labels do \(\w+, \w+\): sort"):
        read("anger/train/a.jpg", "anger/test/b.jpg", other)


@pytest.mark.parametrize("name", ["train", "dev", "test"])
@pytest.mark.parametrize("other", ["fear/x.jpg", "fear/anna/x.jpg", "fear/{}/x.jpg"])
def test_a_folder_named_as_one_split_in_labels_is_no_split(read, name, other):
    photos = read(f"anger/{name}/a.jpg", "anger/ben/b.jpg", other.format(name))
    assert {(photo.status, photo.split) for photo in photos} == {("ok", "")}
    assert len(photos) == 3


def test_the_same_folders_in_all_splits_are_parts(read, source):
    photos = read(*(f"{split}/{part}/anger/a.jpg" for split in ("Train", "Test") for part in ("Male", "Female")))
    assert sorted((photo.label, photo.split, photo.subject, photo.status) for photo in photos) == [
        *[("anger", "test", "", "ok")] * 2,
        *[("anger", "train", "", "ok")] * 2,
    ]
    assert "the photos in Female, Male are taken together, as parts of one dataset" in source.notes


def test_folders_that_repeat_the_labels_may_be_splits(read):
    with pytest.raises(InputError, match=r"labels deeper in them \(anger\): name them train and test if they are that, or"):
        read("left/anger/a.jpg", "right/anger/a.jpg")


def test_links_to_folders_are_followed(read, write, link, tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "a.jpg").write_bytes(b"x")
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"x")
    write("anger/c.jpg")
    link("anger/linked", tmp_path / "elsewhere")
    link("anger/again", tmp_path / "elsewhere")
    link("fear", tmp_path / "elsewhere")
    assert [(photo.id, photo.label) for photo in read()] == [
        ("anger/again/b.jpg", "anger"),
        ("anger/again/deep/a.jpg", "anger"),
        ("anger/c.jpg", "anger"),
        ("anger/linked/b.jpg", "anger"),
        ("anger/linked/deep/a.jpg", "anger"),
        ("fear/b.jpg", "fear"),
        ("fear/deep/a.jpg", "fear"),
    ]


def test_the_root_and_a_split_may_be_links(write, link, source, tmp_path):
    (tmp_path / "real" / "anger").mkdir(parents=True)
    (tmp_path / "real" / "anger" / "a.jpg").write_bytes(b"x")
    write("test/fear/b.jpg")
    link("train", tmp_path / "real")
    (tmp_path / "root-link").symlink_to(source.root, target_is_directory=True)
    linked = DatasetSource(tmp_path / "root-link", tmp_path, ("anger", "fear"), 1, 0, 1)
    assert [(photo.id, photo.split) for photo in folder.read(linked)] == [
        ("test/fear/b.jpg", "test"),
        ("train/anger/a.jpg", "train"),
    ]


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../fear"])
def test_links_that_lead_back_end(read, link, source, target):
    link("anger/loop", target)
    link("fear/loop", "../anger")
    photos = read("anger/a.jpg", "fear/b.jpg")
    assert {"anger/a.jpg", "fear/b.jpg", "fear/loop/a.jpg"} <= set(ok(photos))
    assert len(photos) <= 4
    (note,) = source.notes
    assert note.startswith("passed over: ")
    assert "to a folder that holds the link" in note


def test_broken_links_keep_a_row(read, link):
    link("anger/gone.jpg", "nowhere.jpg")
    link("anger/unmounted", "/no/such/folder")
    link("anger/itself", "itself")
    link("fear", "/no/such/folder")
    photos = {photo.id: (photo.status, photo.label, photo.reason) for photo in read("anger/a.jpg")}
    assert photos == {
        "anger/a.jpg": ("ok", "anger", ""),
        "anger/gone.jpg": ("ok", "anger", ""),  # detect cannot read it
        "anger/itself": ("unreadable", "anger", "a link whose target does not exist"),
        "anger/unmounted": ("unreadable", "anger", "a link whose target does not exist"),
        "fear": ("excluded", "", "a link whose target does not exist"),
    }


def test_a_folder_that_cannot_be_read_keeps_a_row(read, write, source):
    write("anger/a.jpg", "fear/locked/b.jpg")
    (source.root / "fear" / "locked").chmod(0)
    try:
        if (source.root / "fear" / "locked").is_dir() and can_list(source.root / "fear" / "locked"):
            pytest.skip("this user may read everything")
        (photo,) = [photo for photo in read() if photo.id == "fear/locked"]
        assert (photo.status, photo.reason) == ("unreadable", "the folder cannot be read: Permission denied")
    finally:
        (source.root / "fear" / "locked").chmod(0o755)


def can_list(path):
    try:
        return bool(list(path.iterdir()))
    except PermissionError:
        return False


def test_every_image_suffix_counts(read):
    names = [f"anger/{i}{suffix}" for i, suffix in enumerate([".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".TIFF"])]
    assert len(read(*names)) == 7


@pytest.mark.parametrize("files", [(), ("anger/a.txt",), ("train/a.jpg", "test/a.jpg")])
def test_no_photo_is_an_error(read, files):
    with pytest.raises(InputError, match=r"no photo under .*root: it must hold label/\*.jpg or split/label/\*.jpg"):
        read(*files)


def test_root_may_not_be_a_label(read):
    with pytest.raises(InputError, match=r"split/label/\*.jpg; its own 2 photos have no label: name the folder above it"):
        read("a.jpg", "b.jpg")


def test_a_label_beside_splits_makes_all_of_them_labels(read):
    assert {photo.label for photo in read("train/anger/a.jpg", "anger/a.jpg")} == {"train", "anger"}


def test_splits_in_the_labels_stay_beside_loose_photos(tmp_path):
    for label in ("anger", "fear"):
        for name in ("train/a.jpg", "train/b.jpg", "test/c.jpg"):
            (tmp_path / label / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / label / name).write_bytes(b"x")
    (tmp_path / "anger" / "loose.jpg").write_bytes(b"x")
    (tmp_path / "fear" / "misc").mkdir()
    (tmp_path / "fear" / "misc" / "d.jpg").write_bytes(b"x")
    photos = folder.read(DatasetSource(tmp_path, tmp_path / "photos", ("anger", "fear"), 1, 0, 1))
    assert {photo.id: photo.split for photo in photos if photo.status == "ok"} == {
        f"{label}/{name}": name.partition("/")[0]
        for label in ("anger", "fear")
        for name in ("train/a.jpg", "train/b.jpg", "test/c.jpg")
    }
    assert {photo.id for photo in photos if photo.status == "excluded"} == {"anger/loose.jpg", "fear/misc/d.jpg"}


def test_unlabelled_photos_of_a_split_are_no_split(read, source):
    photos = read("train/anger/a.jpg", "train/fear/b.jpg", "test/c.jpg")
    assert [(photo.id, photo.split, photo.reason) for photo in photos] == [
        ("train/anger/a.jpg", "", ""),
        ("train/fear/b.jpg", "", ""),
        ("test/c.jpg", "", "it lies in no label folder"),
    ]
    assert any("has train photos alone: splits are made from them" in note for note in source.notes)


@pytest.mark.parametrize(
    "names",
    [("1_train", "2_test"), ("train_256", "test_256"), ("Trainingsdaten", "Testdaten"), ("fer2013_train", "fer2013_test")],
)
def test_names_of_splits_may_have_more_words(read, names):
    photos = read(f"{names[0]}/anger/a.jpg", f"{names[1]}/anger/a.jpg")
    assert {photo.id.partition("/")[0]: photo.split for photo in photos} == {names[0]: "train", names[1]: "test"}


def test_a_plain_name_of_a_split_counts_more_than_one_with_more_words(read):
    photos = read("train/anger/a.jpg", "test/anger/b.jpg", "train_aligned/anger/a.jpg", "test_aligned/anger/b.jpg")
    assert {photo.id: photo.reason for photo in photos if photo.status != "ok"} == {
        "train_aligned/anger/a.jpg": "train_aligned is neither a split nor a label",
        "test_aligned/anger/b.jpg": "test_aligned is neither a split nor a label",
    }
