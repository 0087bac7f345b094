import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.faces_of_photos import with_own_ids
from pipeline.runtime.errors import InputError

LEFT, RIGHT = (0, 0, 10, 10), (20, 0, 30, 10)


def photo(name, box=None, label="fear", **more):
    return Photo(name, f"{name}.x", label, "", "", box=box, **more)


def numbered(*photos):
    return with_own_ids((f"labels.csv line {number}", each) for number, each in enumerate(photos, start=2))


def test_faces_of_one_photo_get_ids_in_the_order_of_the_table():
    photos = numbered(photo("a", LEFT), photo("b"), photo("a", RIGHT, "anger"), photo("a", (1, 2, 3, 4)))
    assert [each.id for each in photos] == ["a", "b", "a#2", "a#3"]
    assert [each.label for each in photos] == ["fear", "fear", "anger", "fear"]
    assert {each.path for each in photos} == {"a.x", "b.x"}
    assert all(each.status == "ok" for each in photos)


def test_a_number_that_is_a_photo_of_its_own_is_left_out():
    assert [each.id for each in numbered(photo("a", LEFT), photo("a", RIGHT), photo("a#2"))] == ["a", "a#3", "a#2"]


@pytest.mark.parametrize("box", [None, LEFT])
def test_a_row_that_repeats_another_is_excluded(box):
    photos = numbered(photo("a", box), photo("a", box))
    assert [(each.id, each.status) for each in photos] == [("a", "ok"), ("a#2", "excluded")]
    assert photos[1].reason == "it repeats line 2 of the table"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (photo("a"), photo("a", label="anger")),
        (photo("a", LEFT), photo("a", LEFT, label="anger")),
        (photo("a", LEFT), photo("a")),
        (photo("a"), photo("a", RIGHT)),
    ],
)
def test_rows_that_contradict_each_other_are_named(first, second):
    text = "labels.csv line 3: a is also in line 2, with other values: keep the right line, or give each of the two faces"
    with pytest.raises(InputError, match=text):
        numbered(first, second)
