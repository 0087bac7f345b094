import re

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
    problem = "list photos|may be the table of the train photos" if names else "labels.csv does not exist: check ingest.root"
    with pytest.raises(InputError, match=problem) as error:
        read(dict.fromkeys(names, A))
    assert all(name in str(error.value) for name in names)


def test_labels_csv_counts_more_than_other_tables(read, notes):
    assert read({"labels.csv": A, "train.csv": B, "test.csv": B}) == [("a.jpg", "anger", "")]
    assert "not read: test.csv and train.csv" in notes
    assert read({"labels.csv": A, "train/labels.csv": B}) == [("a.jpg", "anger", "")]
    assert "not read: train/labels.csv" in notes


@pytest.mark.parametrize(
    ("name", "header", "label"),
    [
        ("labels.csv", "image,label\n", ",anger"),
        ("labels.csv", "filename\n", ""),
        ("labels.csv", "", ""),
        ("data.csv", "id,file\n", ""),
    ],
)
def test_tables_beside_it_may_give_the_splits(read, notes, name, header, label):
    whole = "image,label\n" + "".join(f"{photo}.jpg,fear\n" for photo in "abc")
    number = "1," if header.startswith("id") else ""
    train, test = ("".join(f"{number}{photo}.jpg{label}\n" for photo in photos) for photos in ("ab", "c"))
    assert read({name: whole, "train.csv": header + train, "test.csv": header + test}) == [
        ("a.jpg", "fear", "train"),
        ("b.jpg", "fear", "train"),
        ("c.jpg", "fear", "test"),
    ]
    assert "the splits are those of test.csv and train.csv" in notes
    with pytest.raises(InputError, match=rf"{name} line 5: d\.jpg has no split, and test.csv and train.csv do not name it"):
        read({name: whole + "d.jpg,fear\n"})
    with pytest.raises(InputError, match=rf"{name} line 4: c\.jpg has no split, and test.csv and train.csv name it several"):
        read({name: whole, "train.csv": f"{header}{train}{number}c.jpg{label}\n"})


@pytest.mark.parametrize("folder", ["old", "train"])
def test_tables_of_splits_in_the_root_count_more_than_deeper_tables(read, notes, folder):
    tables = {"train.csv": A, "test.csv": B, f"{folder}/labels.csv": "image,label\nc.jpg,anger\n"}
    assert sorted(read(tables)) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test")]
    assert f"not read: {folder}/labels.csv" in notes


@pytest.mark.parametrize("name", ["data.csv", "archive/data.csv", "archive/faces/labels.csv", "annotations/train.csv"])
def test_tables_of_other_things_are_not_counted(read, name):
    tables = {name: A, "classes.csv": "id,name\n0,anger\n", "labels.csv": "number,text\n0,anger\n"}
    assert [label for _, label, _ in read(tables)] == ["anger"]


def test_tables_of_splits_may_lie_in_a_folder_around_all(read):
    tables = {"archive/train.csv": "image,label\ntrain/a.jpg,anger\n", "archive/test.csv": "image,label\ntest/a.jpg,fear\n"}
    photos = read(tables, ["archive/train/a.jpg", "archive/test/a.jpg"])
    assert sorted(photos) == [("test/a.jpg", "fear", "test"), ("train/a.jpg", "anger", "train")]


@pytest.mark.parametrize("text", ["image\nb.jpg\nc.jpg\n", "image,label\nb.jpg,\nc.jpg,\n", "id,file\n1,b.jpg\n2,c.jpg\n"])
@pytest.mark.parametrize("names", ["{}.csv", "{}/metadata.csv"])
def test_a_table_without_labels_is_passed_over_beside_one_with_labels(read, notes, tmp_path, text, names):
    photos = read({names.format("train"): A, names.format("test"): text})
    assert [(label, split) for _, label, split in photos] == [("anger", "")]
    assert f"{tmp_path / names.format('test')} has no labels: its 2 photos are not read" in notes
    assert f"{tmp_path} has train photos alone: splits are made from them" in "\n".join(notes)


@pytest.mark.parametrize("name", ["train.csv", "test/metadata.csv"])
def test_splits_are_made_from_a_split_that_is_there_alone(read, name):
    assert read({name: A}) == [("a.jpg", "anger", "")]


def test_unclear_tables_of_a_split_are_named(read):
    with pytest.raises(InputError, match=r"fer_train\.csv and raf_train\.csv may be the table of the train photos: keep"):
        read({"fer_train.csv": A, "raf_train.csv": B, "test.csv": "image,label\nc.jpg,fear\n"})


def test_lists_without_header_may_be_text_files(read):
    photos = read({"train.txt": "a.jpg anger\nx/c.jpg fear\n", "test.txt": "b.jpg fear\n", "README.txt": "Faces of us.\n"})
    assert sorted(photos) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test"), ("x/c.jpg", "fear", "train")]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("annotations.xlsx", "save it as labels.csv, with the columns image and label"),
        ("metadata.jsonl", "write it as labels.csv, with the columns image and label"),
    ],
)
def test_a_list_of_another_format_is_named_with_its_fix(read, name, fix):
    with pytest.raises(InputError, match=f"holds {name}: {fix}"):
        read({name: "x"})


def test_a_photo_in_two_tables_is_named_with_both_places(read, tmp_path):
    problem = f"train.csv line 2: a.jpg is also in {tmp_path / 'test.csv'} line 2, so it is in both test and train: keep one"
    with pytest.raises(InputError, match=re.escape(problem)):
        read({"train.csv": A, "test.csv": A})


def test_photos_of_one_name_are_told_apart_by_their_split(read):
    table = "image,label,split\n0.jpg,anger,train\n0.jpg,fear,test\n1.jpg,fear,train\n"
    photos = read({"labels.csv": table}, ["a/train/0.jpg", "a/test/0.jpg", "a/train/1.jpg"])
    assert photos == [
        ("a/train/0.jpg", "anger", "train"),
        ("a/test/0.jpg", "fear", "test"),
        ("a/train/1.jpg", "fear", "train"),
    ]


def test_a_line_that_names_the_separator_is_no_header(read):
    tables = {"train.csv": f"sep=;\n{A.replace(',', ';')}", "test.csv": f"sep=;\n{B.replace(',', ';')}"}
    assert sorted(read(tables)) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test")]


def test_the_example_of_a_contest_is_not_read(read, notes):
    tables = {"train.csv": A, "sample_submission.csv": B}
    assert read(tables) == [("a.jpg", "anger", "")]
    assert "not read: sample_submission.csv" in notes


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_another_table_beside_that_of_one_split_is_named(read, name):
    with pytest.raises(InputError, match=rf"several tables that list photos, data\.csv, {name}: keep one of them"):
        read({name: A, "data.csv": B})


def test_tables_in_folders_of_splits_count_whatever_lies_beside_them(read, notes):
    tables = {"train/metadata.csv": A, "test/metadata.csv": B, "old/a.csv": A, "old/b.csv": B, "all/labels.csv": A}
    assert len(read(tables)) == 2
    assert "not read: all/labels.csv" in notes


def test_tables_of_one_photo_each_do_not_count(read):
    tables = {f"{number}.csv": "image,label\nx.jpg,fear\n" for number in range(60)}
    assert sorted(read(tables | {"train.csv": A, "test.csv": B})) == [("a.jpg", "anger", "train"), ("b.jpg", "fear", "test")]


def test_tables_of_splits_may_lie_in_a_folder_beside_the_table(read, notes):
    tables = {"labels.csv": "image,label\na.jpg,anger\nb.jpg,fear\n", "splits/train.csv": "image\na.jpg\n"}
    photos = read(tables | {"splits/test.csv": "image\nb.jpg\n"}, ["images/a.jpg", "images/b.jpg"])
    assert photos == [("images/a.jpg", "anger", "train"), ("images/b.jpg", "fear", "test")]
    assert "the splits are those of test.csv and train.csv" in notes
    assert any(note.startswith("2 photos are found in other folders") for note in notes)  # each counts once


def test_the_only_labels_csv_below_counts_more_than_other_tables(read, notes):
    tables = {"data/labels.csv": A, "old/a.csv": B, "old/b.csv": B, "more/metadata.csv": B}
    assert read(tables) == [("a.jpg", "anger", "")]
    assert "not read: more/metadata.csv" in notes
