from pathlib import Path

import pytest

from pipeline.ingest.datasets import DatasetSource, rafdb
from pipeline.runtime.errors import InputError


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def read(tmp_path, notes):
    """Read tables, each with its rows, beside photos that lie in a folder."""

    def read(tables, photos):
        for name, text in (tables | dict.fromkeys(photos, "x")).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        listed = rafdb.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1, notes=notes))
        assert all(Path(photo.path).is_file() for photo in listed)
        return {photo.id: photo.split for photo in listed}

    return read


def table(*names, header="image,label"):
    return "\n".join([header, *(f"{name}.jpg,{number}" for number, name in enumerate(names, start=1))]) + "\n"


SPLITS = {"train_1": "train", "train_2": "validation", "test_1": "test"}


@pytest.mark.parametrize("name", ["val_labels.csv", "validation_labels.csv", "dev.csv", "RAF_valid_list.csv"])
@pytest.mark.parametrize("folder", ["images", "{}"])
def test_the_name_of_a_table_says_more_than_the_names_of_its_photos(read, name, folder):
    tables = {"train_labels.csv": table("train_1"), name: table("train_2"), "test_labels.csv": table("test_1")}
    photos = [f"{folder.format(name.partition('_')[0])}/{name}.jpg" for name in SPLITS]
    assert read(tables, photos) == SPLITS


def test_a_column_of_splits_says_more_than_the_names_of_the_photos(read):
    rows = "".join(f"{name}.jpg,{number},{split}\n" for number, (name, split) in enumerate(SPLITS.items(), start=1))
    assert read({"labels.csv": "image,label,split\n" + rows}, [f"{name}.jpg" for name in SPLITS]) == SPLITS


def test_a_table_of_train_with_all_photos_has_the_splits_of_their_names(read):
    photos = [f"{name}.jpg" for name in SPLITS]
    assert read({"train.csv": table(*SPLITS)}, photos) == {"train_1": "train", "train_2": "train", "test_1": "test"}


def test_tables_with_words_of_different_kinds_belong_together(read, notes):
    tables = {"train.csv": table("a"), "RAF_test_labels.csv": table("b"), "classes.csv": "1,surprise\n"}
    assert read(tables, ["images/a.jpg", "images/b.jpg"]) == {"a": "train", "b": "test"}
    assert "not read: classes.csv" in notes


def test_a_table_without_labels_is_named(read, notes):
    tables = {"train_labels.csv": table("train_1"), "test.csv": "image\ntest_1.jpg\n"}
    assert read(tables, ["train_1.jpg", "test_1.jpg"]) == {"train_1": ""}
    assert "not read: test.csv" in notes


def test_two_tables_of_one_split_are_named(read):
    tables = {"val.csv": table("a"), "dev.csv": table("b"), "train.csv": table("c")}
    with pytest.raises(InputError, match=r"dev\.csv and val\.csv may be the table of the validation photos: keep one"):
        read(tables, [])


@pytest.mark.parametrize("name", ["train.csv", "labels.csv"])
def test_a_few_labels_that_count_from_0_are_refused(read, name):
    rows = "".join(f"train_{number}.jpg,{number}\n" for number in range(7))
    with pytest.raises(InputError, match=rf"{name}: labels are numbered 0 to 6, but this dataset numbers"):
        read({name: "image,label\n" + rows}, ["train_0.jpg"])
