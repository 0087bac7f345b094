import pytest

from pipeline.ingest.datasets import DatasetSource, affectnet
from pipeline.runtime.errors import InputError

NAMES = "names: [Anger, Contempt, Disgust, Fear, Happy, Neutral, Sad, Surprise]\nnc: 8\n"


@pytest.fixture
def source(tmp_path):
    return DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1)


@pytest.fixture
def read(tmp_path, source):
    """Read two photos, happy and sad, in each split, and more files."""

    def read(files=None, yaml=NAMES):
        root = tmp_path / "archive" / "YOLO_format"
        texts = {"data.yaml": yaml}
        for split in ("train", "valid", "test"):
            texts |= {f"{split}/images/a.png": "", f"{split}/images/b.jpg": ""}
            texts |= {f"{split}/labels/a.txt": "4 0.5 0.5 1 1\n", f"{split}/labels/b.txt": "6 0.5 0.5 1 1"}
        for name, text in (texts | (files or {})).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return affectnet.read(source)

    return read


@pytest.mark.parametrize("yaml", [NAMES, "names: {0: Anger, 4: Happy, 6: sad}\n"])
def test_the_numbers_mean_what_data_yaml_says(read, yaml):
    photos = read(yaml=yaml)
    assert [(photo.label, photo.split) for photo in photos] == [
        (label, split) for split in ("test", "train", "validation") for label in ("happiness", "sadness")
    ]
    assert photos[0].id == "archive/YOLO_format/test/images/a.png"


def test_unusable_labels_exclude_their_photos(read):
    photos = read(
        {f"train/images/{name}.png": "" for name in "cdefg"}
        | {f"train/images/ok{number}.png": "" for number in range(4)}
        | {f"train/labels/ok{number}.txt": "0 0 0 1 1" for number in range(4)}
        | {"train/labels/c.txt": "4 0 0 1 1\n6 0 0 1 1", "train/labels/d.txt": "", "train/labels/e.txt": "9 0 0 1 1"}
        | {"train/labels/g.txt": "4 0 0 1 1\n4 0 0 1 1"}
    )
    assert {photo.path[-5]: photo.reason for photo in photos if photo.status == "excluded"} == {
        "c": "its faces have several labels",
        "d": "it has no label",
        "e": "label '9' is not in data.yaml",
        "f": "it has no label",
    }


def test_classes_must_be_named(read):
    with pytest.raises(InputError, match=r"data.yaml has no names: list the names of the classes there"):
        read(yaml="nc: 8\n")


def test_what_belongs_to_no_photo_or_no_split_is_counted(read, source):
    read({"train/labels/lost.txt": "4 0 0 1 1", "extra/images/x.jpg": "", "extra/labels/x.txt": "", "loose.jpg": ""})
    notes = "\n".join(source.notes)
    assert "not read: 1 label file without a photo" in notes
    assert "not read, since they belong to no split: 2 photos, e.g. " in notes


def test_the_splits_may_lie_in_the_folders_of_photos_and_labels(tmp_path, source):
    for split, number in (("train", 4), ("val", 6)):
        for name, text in ((f"images/{split}/a.png", "x"), (f"labels/{split}/a.txt", f"{number} 0.5 0.5 1 1\n")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    (tmp_path / "data.yaml").write_text(NAMES)
    assert [(photo.id, photo.label, photo.split) for photo in affectnet.read(source)] == [
        ("images/train/a.png", "happiness", "train"),
        ("images/val/a.png", "sadness", "test"),
    ]


def test_photos_of_a_split_without_labels_are_excluded(source, tmp_path):
    files = {"data.yaml": NAMES}
    for split in ("train", "valid", "test"):
        files |= {f"{split}/images/a.png": "", f"{split}/images/b.png": ""}
        if split != "test":
            files |= {f"{split}/labels/a.txt": "4 0 0 1 1", f"{split}/labels/b.txt": "6 0 0 1 1"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    photos = {photo.id: (photo.status, photo.reason) for photo in affectnet.read(source)}
    assert {photos[f"test/images/{name}.png"] for name in "ab"} == {("excluded", "it has no label")}
    assert {photos[f"{split}/images/a.png"] for split in ("train", "valid")} == {("ok", "")}


@pytest.mark.parametrize("table", ["data.yaml", "dataset.yaml", "dataset.yml"])
@pytest.mark.parametrize("folders", ["{kind}/{split}_256", "{split}_256/{kind}", "{kind}/1_{split}"])
def test_the_table_and_the_folders_may_have_other_names(source, tmp_path, table, folders):
    files = {table: NAMES}
    for split in ("train", "val"):
        files |= {f"{folders.format(kind='images', split=split)}/{name}.png": "" for name in "ab"}
        files |= {
            f"{folders.format(kind='labels', split=split)}/{name}.txt": f"{n} 0 0 1 1" for name, n in (("a", 4), ("b", 6))
        }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    photos = affectnet.read(source)
    assert sorted((photo.label, photo.split) for photo in photos) == [
        (label, split) for label in ("happiness", "sadness") for split in ("test", "train")
    ]
