import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import UnknownLabelError
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.runtime.errors import InputError


def photo(number, split="train"):
    return Photo(f"p{number}", f"p{number}.jpg", "", split, "")


def test_a_photo_that_is_listed_again_is_another_row():
    photos = PhotoList()
    for box in ((0, 0, 1, 1), (5, 5, 9, 9), (0, 0, 1, 1), (5, 5, 9, 10)):
        photos.add_labelled(photo(1), "fear", box)
    photos.add_labelled(photo(1), "anger", (0, 0, 1, 1))
    rows = photos.finish()
    assert [row.id for row in rows] == ["p1", "p1#2", "p1#3", "p1#4", "p1#5"]
    several = "other rows give it another label (anger, fear)"  # which label is right is not known
    assert [row.reason for row in rows] == [several, "", "an earlier row is the same", "", several]
    assert {row.path for row in rows} == {"p1.jpg"}


def test_an_id_of_the_dataset_is_never_taken():
    photos = PhotoList()
    for name in ("a#2", "a", "a"):
        photos.add_labelled(Photo(name, name, "", "train", ""), "fear" + name)
    assert [row.id for row in photos.finish()] == ["a#2", "a", "a#3"]


def test_a_photo_that_is_listed_often_costs_no_more():
    photos = PhotoList()
    for number in range(20_000):
        photos.add_labelled(photo(0), f"label {number}")
    assert photos.finish()[-1].id == "p0#20000"


def test_a_few_unusable_rows_keep_their_rows():
    photos = PhotoList()
    for number in range(9):
        if number % 3:
            photos.add_labelled(photo(number), "fear")
        else:
            photos.add_unusable(photo(number), f"t.csv line {number}", UnknownLabelError("label '9' is unknown"))
    rows = photos.finish()
    assert [row.status for row in rows[:3]] == ["excluded", "ok", "ok"]
    assert rows[0].reason == "label '9' is unknown"  # without the line, so that the summary counts equal reasons


def test_half_of_a_split_cannot_be_unusable():
    photos = PhotoList()
    for number in range(100):
        photos.add_labelled(photo(number), "fear")
    for number in (200, 201):
        photos.add_unusable(photo(number, "test"), f"t.csv line {number}", ValueError("no box"))
    with pytest.raises(
        InputError, match=r"^t.csv line 200: no box \(2 of 2 rows cannot be used\): restore the published file"
    ):
        photos.finish()


def test_a_copy_that_numbers_its_classes_otherwise_is_an_error():
    """A seventh of the rows is out of range, and the labels of all other rows are wrong."""
    photos = PhotoList()
    for number in range(70):
        if number % 7:
            photos.add_labelled(photo(number), "fear")
        else:
            photos.add_unusable(photo(number), f"t.csv line {number}", UnknownLabelError("label '0' is unknown"))
    with pytest.raises(InputError, match=r"^t.csv line 0: label '0' is unknown \(10 rows\): restore the published labels"):
        photos.finish()
