import re

import pytest

from pipeline.ingest.datasets import DatasetSource, csv
from pipeline.ingest.datasets.csv.columns import guess_header
from pipeline.runtime.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "labels.csv").write_text(text)
        return csv.read(DatasetSource(tmp_path, tmp_path / "photos", ("anger", "fear"), 1, 0, 1))

    return read


@pytest.mark.parametrize("image", ["filename", "file", "path", "img", "Image_Path", "file name", "FilePath"])
@pytest.mark.parametrize("label", ["emotion", "Expression", "class", "labels", "label"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_columns_may_have_other_names(read, capsys, image, label, separator):
    (photo,) = read(f"{label},{image}\nanger,a.jpg\n".replace(",", separator))
    assert (photo.id, photo.label) == ("a.jpg", "anger")
    assert (
        f"columns under other names are taken: {'' if label == 'label' else repr(label) + ' as label, '}{image!r} as image"
        in (capsys.readouterr().err)
    )


@pytest.mark.parametrize("name", ["set", "usage", "Usage", "subset"])
def test_split_may_have_another_name(read, capsys, name):
    photos = read(f"image,label,{name}\na.jpg,anger,Training\nb.jpg,fear,PrivateTest\n")
    assert [photo.split for photo in photos] == ["train", "test"]
    assert capsys.readouterr().err.endswith(f"labels.csv: the column {name!r} is taken as split\n")


def test_a_column_of_other_values_is_no_split(read, capsys):
    photos = read("image,label,set\na.jpg,anger,JAFFE\nb.jpg,fear,CK+\n")
    assert [photo.split for photo in photos] == ["", ""]
    assert "labels.csv: not read: 'set'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["split", "set", "Usage"])
@pytest.mark.parametrize("value", ["unused", "2", "CK+"])
def test_a_value_that_is_no_split_is_named_with_its_line(read, name, value):
    with pytest.raises(InputError, match=rf"labels.csv line 3: '{re.escape(value)}' is no split: write one of train, valid"):
        read(f"image,label,{name}\na.jpg,anger,train\nb.jpg,fear,{value}\nc.jpg,fear,test\n")


@pytest.mark.parametrize("value", ["", "NaN"])
def test_a_row_without_split_beside_others_is_named_with_its_line(read, value):
    with pytest.raises(InputError, match=r"labels\.csv line 3: the split is empty, but other rows have one: give all"):
        read(f"image,label,split\na.jpg,anger,train\nb.jpg,fear,{value}\n")


def test_a_row_that_is_not_used_needs_no_split(read):
    photos = read("image,label,split\na.jpg,anger,train\nb.jpg,,\nc.jpg,,unused\nd.jpg,fear,test\n")
    assert [(photo.status, photo.split) for photo in photos if photo.label] == [("ok", "train"), ("ok", "test")]


@pytest.mark.parametrize(
    ("columns", "rows", "splits"),
    [
        ("train", ["1", "0", "1"], ["train", "test", "train"]),
        ("is_train", ["True", "False", "True"], ["train", "test", "train"]),
        ("IsTest", ["no", "yes", "no"], ["train", "test", "train"]),
        ("is_test,is_val", ["0,0", "1,0", "0,1"], ["train", "test", "validation"]),
        ("train,val", ["1,0", "0,1", "0,0"], ["train", "validation", "test"]),
        ("train,val,test", ["1,0,0", "0,1,0", "0,0,1"], ["train", "validation", "test"]),
        ("training", ["1.0", "0.0", "1.0"], ["train", "test", "train"]),
        ("valid", ["1", "0", "1"], ["", "", ""]),  # photos that are valid
        ("train", ["1", "0", "2"], ["", "", ""]),
        ("is_train,training", ["1,1", "0,0", "1,1"], ["train", "test", "train"]),
        ("train,split", ["1,test", "0,train", "1,train"], ["test", "train", "train"]),
    ],
)
def test_columns_of_yes_and_no_may_give_the_splits(read, capsys, columns, rows, splits):
    lines = [f"{number}.jpg,anger,{row}" for number, row in enumerate(rows)]
    assert [photo.split for photo in read("\n".join([f"image,label,{columns}", *lines]))] == splits
    taken = f"labels.csv: yes and no in {', '.join(columns.split(','))} are taken as split\n"
    assert (taken in capsys.readouterr().err) == (any(splits) and "split" not in columns)


def test_a_photo_in_two_splits_is_named_with_its_line(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: the photo is in train and test: leave one of them"):
        read("image,label,train,test\na.jpg,anger,1,0\nb.jpg,fear,1,1\n")


def test_a_photo_in_no_split_is_named_with_its_line(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: the split is empty, but other rows have one"):
        read("image,label,train,val,test\na.jpg,anger,1,0,0\nb.jpg,fear,0,0,0\n")


def test_a_subject_may_have_another_name(read):
    assert [photo.subject for photo in read("image,label,subject_id\na.jpg,anger,7\n")] == ["7"]


@pytest.mark.parametrize("header", ["image,label,split,path,emotion,set", "path,image,set,split,label,emotion"])
def test_the_proper_name_counts_where_there_is_one(read, capsys, header):
    own = {"image": "a.jpg", "label": "anger", "split": "train"}
    (photo,) = read(header + "\n" + ",".join(own.get(name, "test") for name in header.split(",")) + "\n")
    assert (photo.id, photo.label, photo.split) == ("a.jpg", "anger", "train")
    assert "not read: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a.jpg,anger\nb.jpg,fear\n", "image, label"),
        ("anger;a.jpg\nfear;b.jpg\n", "label, image"),
        ("a.jpg\tanger\ttrain\nb.jpg\tfear\ttrain\n", "image, label, split"),
        ('"a.jpg,anger"\n"b.jpg,fear"\n', "image, label"),
        ("a.jpg,anger,,\nb.jpg,fear,,\n", "image, label, unknown, unknown"),
    ],
)
def test_a_table_may_lack_its_header(read, capsys, text, columns):
    photos = read(text)
    assert [(photo.id, photo.label) for photo in photos] == [("a.jpg", "anger"), ("b.jpg", "fear")]
    assert {photo.split for photo in photos} == {"train" if "train" in text else ""}
    assert capsys.readouterr().err.endswith(f"labels.csv: there is no header: the columns are taken as {columns}\n")


def test_a_photo_without_suffix_is_known_by_its_file(tmp_path):
    assert guess_header(tmp_path, ["0001", "anger"]) is None
    (tmp_path / "0001").write_bytes(b"x")
    assert guess_header(tmp_path, ["0001", "anger"]) == (["image", "label"], True)


@pytest.mark.parametrize("first", [["a.jpg", "b.jpg"], ["a.jpg"], ["path", "file", "label"], ["a.jpg", "train", "test"]])
def test_what_could_be_several_columns_is_not_guessed(tmp_path, first):
    assert guess_header(tmp_path, first) is None


@pytest.mark.parametrize(
    ("columns", "rows", "taken"),
    [
        ("phase", ["train", "test", "Train"], True),
        ("usage,partition", ["Training,train", "PrivateTest,test", "Training,train"], True),
        ("remark", ["train", "", ""], False),
        ("remark", ["train", "test", "", "", ""], False),
        ("phase", ["train", "train", "train"], False),
        ("phase", ["train", "test", "other"], False),
    ],
)
def test_a_column_of_splits_is_taken_whatever_its_name(tmp_path, columns, rows, taken):
    lines = [f"{number}.jpg,anger,{row}" for number, row in enumerate(rows)]
    (tmp_path / "labels.csv").write_text("\n".join([f"image,label,{columns}", *lines]))
    photos = csv.read(DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1))
    assert [photo.split for photo in photos] == (["train", "test", "train"] if taken else [""] * len(rows))


def test_columns_of_splits_that_contradict_one_another_are_named(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: 'Usage' says 'train' and 'set' says 'test': keep the right"):
        read("image,label,Usage,set\na.jpg,anger,Training,train\nb.jpg,fear,Training,test\n")
    with pytest.raises(InputError, match=r"labels\.csv line 2: 'set' says 'train' and 'phase' says 'validation'"):
        read("image,label,set,phase\na.jpg,anger,train,val\nb.jpg,fear,test,test\nc.jpg,fear,test,val\n")


@pytest.mark.parametrize("columns", ["Usage,set", "set,Usage"])
@pytest.mark.parametrize("whole", ["train", "test"])
def test_the_column_that_tells_the_validation_photos_apart_counts(read, columns, whole):
    rows = [("Training", "train"), ("PublicTest", whole), ("PrivateTest", "test")]
    lines = [f"{i}.jpg,anger,{','.join(row if columns == 'Usage,set' else row[::-1])}" for i, row in enumerate(rows)]
    photos = read("\n".join([f"image,label,{columns}", *lines]))
    assert [photo.split for photo in photos] == ["train", "validation", "test"]


@pytest.mark.parametrize(("value", "problem"), [("x", "is_test is 'x'"), ("", "is_test is empty"), ("2", "is_test is '2'")])
def test_a_value_that_is_neither_yes_nor_no_is_named(read, value, problem):
    with pytest.raises(InputError, match=rf"labels\.csv line 3: {problem}: write yes or no, or rename the column"):
        read(f"image,label,is_test\na.jpg,anger,0\nb.jpg,fear,{value}\n")


def test_a_header_that_lacks_the_column_of_yes_and_no_leaves_no_split(read):
    with pytest.raises(InputError, match=r"labels\.csv line 5: is_train is empty"):
        read("image,label,is_train\na.jpg,anger,1\nb.jpg,fear,0\nimage,label\nc.jpg,fear\n")


def test_columns_of_yes_and_no_that_contradict_one_another_are_named(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: is_train and training contradict one another: keep one"):
        read("image,label,is_train,training\na.jpg,anger,1,1\nb.jpg,fear,1,0\n")


def test_the_split_of_the_rows_with_no_alone_is_said(read, capsys):
    photos = read("image,label,train,test\na.jpg,anger,1,0\nb.jpg,fear,0,0\nc.jpg,fear,0,1\n")
    assert [photo.split for photo in photos] == ["train", "validation", "test"]
    assert "labels.csv: 1 photos with no in all of them are taken as validation\n" in capsys.readouterr().err


def test_the_column_of_an_empty_split_is_named(read):
    with pytest.raises(InputError, match=r"labels\.csv line 4: 'phase', which is taken as split, is empty, but other rows"):
        read("image,label,phase\na.jpg,anger,train\nb.jpg,fear,test\nc.jpg,fear,\n")


def test_an_empty_column_of_yes_and_no_is_none(read):
    assert [photo.split for photo in read("image,label,is_test\na.jpg,anger,\nb.jpg,fear,\n")] == ["", ""]


@pytest.mark.parametrize("name", ["name", "ID", "Id"])
def test_a_column_of_names_of_images_is_taken(read, capsys, name):
    assert [photo.id for photo in read(f"number,{name},label\n1,a.jpg,anger\n2,b.jpg,fear\n")] == ["a.jpg", "b.jpg"]
    assert f"columns under other names are taken: {name!r} as image" in capsys.readouterr().err
    with pytest.raises(InputError, match=f"labels.csv has no column image: it has {name}, label"):
        read(f"{name},label\n0,anger\n1,fear\n")  # of classes
