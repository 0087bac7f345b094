from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest import duplicates


def photo(name, split, sha256, label="fear", **more):
    return Photo(name, f"{name}.png", label, split, "", sha256=sha256, **more)


def test_what_is_in_several_splits_or_has_several_labels_is_found():
    photos = [
        photo("a", "train", "1"),
        photo("b", "train", "1"),  # a copy beside it does no harm
        photo("c", "train", "2"),
        photo("d", "test", "2"),
        photo("e", "train", "3"),
        photo("f", "train", "3", "anger"),
        photo("g", "validation", "4"),
        photo("h", "test", "4", "anger"),
        photo("i", "train", ""),  # no such file
        photo("j", "test", ""),
        photo("k", "train", "5", status="excluded"),
        photo("l", "test", "5"),
    ]
    assert [(found.id, found.problem) for found in duplicates.find(photos)] == [
        ("c", "in several splits"),
        ("d", "in several splits"),
        ("e", "with several labels"),
        ("f", "with several labels"),
        ("g", "in several splits, with several labels"),
        ("h", "in several splits, with several labels"),
    ]


def test_leaks_are_excluded_where_they_would_be_learnt():
    photos = [
        photo("a", "train", "1"),
        photo("b", "test", "1"),
        photo("c", "validation", "1"),
        photo("d", "train", "2"),
        photo("e", "validation", "2"),
        photo("f", "train", "3"),
        photo("g", "train", "3"),
    ]
    kept = duplicates.without_leaks(photos)
    assert [one.id for one in kept] == list("abcdefg")
    assert [one.id for one in kept if one.status == "ok"] == ["b", "e", "f", "g"]
    assert kept[0].reason == kept[2].reason == "same bytes as b in test"
    assert kept[3].reason == "same bytes as e in validation"


def test_faces_of_one_photo_are_no_copies_of_each_other():
    left, right = (0, 0, 10, 10), (20, 0, 30, 10)
    faces = [photo("a", "train", "1", box=left), photo("a#2", "train", "1", "anger", box=right)]
    assert duplicates.find(faces) == []
    copies = [photo("b", "train", "1", box=left), photo("b#2", "train", "1", "fear", box=right)]
    assert [(found.id, found.problem) for found in duplicates.find(faces + copies)] == [
        ("a#2", "with several labels"),
        ("b#2", "with several labels"),
    ]
    assert [found.problem for found in duplicates.find([faces[0], replace(faces[1], split="test")])] == 2 * [
        "in several splits"
    ]
