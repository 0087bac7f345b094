import pytest

from pipeline.ingest.datasets import DatasetSource, csv
from pipeline.runtime.errors import InputError


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def read(tmp_path, notes):
    """Read tables, whose photos are made."""

    def read(tables, photos=()):
        for name, text in (tables | dict.fromkeys(photos, "x")).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        source = DatasetSource(tmp_path, tmp_path / "photos", ("anger", "fear"), 1, 0, 1, notes=notes)
        return [(photo.id, photo.label, photo.split) for photo in csv.read(source)]

    return read


A, B = "image,label\na.jpg,anger\n", "image,label\nb.jpg,fear\n"


@pytest.mark.parametrize("name", ["metadata.csv", "my faces.csv", "annotations.tsv", "LABELS.csv"])
def test_the_only_table_is_read_whatever_its_name(read, notes, name):
    assert read({name: A}) == [("a.jpg", "anger", "")]
    assert any(name in note for note in notes) == (name != "LABELS.csv")


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("faces_train_list.csv", "test_labels.csv")])
def test_tables_of_splits_are_read_together(read, notes, names):
    assert sorted(read({names[0]: A, names[1]: B})) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test")]
    assert f"there is no labels.csv: read is {', '.join(sorted(names))}" in notes


def test_the_table_s_own_splits_count_more_than_its_name(read):
    tables = {"train.csv": "image,label,split\na.jpg,anger,train\nc.jpg,fear,val\n", "test.csv": B}
    assert sorted(read(tables)) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test"), ("c.jpg", "fear", "validation")]


@pytest.mark.parametrize("name", ["metadata.csv", "labels.csv", "_annotations.csv"])
def test_tables_in_folders_of_splits_name_photos_there(read, tmp_path, name):
    assert sorted(
        read({f"train/{name}": A, f"valid/{name}": A, f"test/{name}": B}, ["train/a.jpg", "valid/a.jpg", "test/b.jpg"])
    ) == [("test/b.jpg", "fear", "test"), ("train/a.jpg", "anger", "train"), ("valid/a.jpg", "anger", "validation")]


def test_tables_of_other_names_are_not_read_beside_those_of_splits(read, notes):
    assert len(read({"train.csv": A, "test.csv": B, "classes.csv": "number,name\n1,anger\n"})) == 2
    assert "not read: classes.csv" in notes


@pytest.mark.parametrize(
    "names",
    [
        ("a.csv", "b.csv"),
        ("a/labels.csv", "b/labels.csv", "other.csv"),
        ("train.csv", "train_labels.csv", "training.csv"),
        (),
    ],
)
def test_unclear_tables_are_named(read, names):
    with pytest.raises(InputError, match=r"labels\.csv does not exist: check ingest\.root and ingest\.dataset") as error:
        read(dict.fromkeys(names, A))
    assert all(name in str(error.value) for name in names)


def test_labels_csv_counts_more_than_other_tables(read):
    assert read({"labels.csv": A, "train.csv": B, "test.csv": B}) == [("a.jpg", "anger", "")]
    assert read({"labels.csv": A, "train/labels.csv": B}) == [("a.jpg", "anger", "")]


def test_photos_of_one_name_are_told_apart_by_their_split(read):
    table = "image,label,split\n0.jpg,anger,train\n0.jpg,fear,test\n1.jpg,fear,train\n"
    photos = read({"labels.csv": table}, ["a/train/0.jpg", "a/test/0.jpg", "a/train/1.jpg"])
    assert photos == [
        ("a/train/0.jpg", "anger", "train"),
        ("a/test/0.jpg", "fear", "test"),
        ("a/train/1.jpg", "fear", "train"),
    ]
