from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest.summary import leak_warnings, summarise


def test_summary_counts_labels_and_splits():
    photos = [Photo(f"{i}", "", label, split, f"s{i}") for i, (label, split) in enumerate([("anger", "train")] * 1200)]
    photos += [Photo("t", "", "fear", "test", ""), Photo("x", "", "contempt", "", "", "excluded", "not wanted")]
    lines = [line.split() for line in summarise(photos).splitlines()]
    assert lines == [
        ["train", "validation", "test"],
        ["anger", "1,200", "0", "0"],
        ["fear", "0", "0", "1"],
        ["1", "excluded:", "not", "wanted"],
    ]


def test_summary_tells_excluded_from_unreadable():
    photos = [Photo("a", "", "fear", "", "", "unreadable", "a link"), Photo("b", "", "fear", "", "", "excluded", "no image")]
    assert summarise(photos).splitlines()[1:3] == ["1 excluded: no image", "1 unreadable: a link"]


def test_summary_names_a_photo_that_cannot_be_read():
    photos = [Photo("a", "a.png", "fear", "test", "x", sha256="1"), Photo("b", "b.png", "fear", "train", "y")]
    assert "WARNING: 1 photos cannot be read, e.g. b.png: detect says why" in summarise(photos)


def test_subjects_and_copies_in_several_splits_are_warned_of():
    photos = [
        Photo("a", "a.png", "fear", "train", "bob", sha256="1"),
        Photo("b", "b.png", "fear", "test", "bob", sha256="2"),
        Photo("c", "c.png", "fear", "validation", "eve", sha256="3"),
        Photo("d", "d.png", "fear", "test", "mia", sha256="3"),
        Photo("e", "e.png", "fear", "train", "eva", sha256="7"),
        Photo("f", "f.png", "fear", "train", "eva", sha256="7"),
        Photo("g", "g.png", "anger", "train", "ina", sha256="8"),
        Photo("h", "h.png", "fear", "train", "ina", sha256="8"),
    ]
    assert leak_warnings(photos) == [
        "WARNING: 1 subjects are in more than one split, e.g. bob",
        "WARNING: 2 photos have the same bytes as others, in several splits, e.g. c and d: duplicates.csv lists them",
        "WARNING: 2 photos have the same bytes as others, with several labels, e.g. g and h: duplicates.csv lists them",
    ]
    assert leak_warnings(photos[:6:5]) == []
    (warning,) = leak_warnings([replace(photos[4], id=f"{i}", split="test" if i else "train") for i in range(9)])[1:]
    assert warning.endswith("e.g. 0 and 1 and 2 and 6 more: duplicates.csv lists them")
    (warning,) = leak_warnings([replace(photo, subject="") for photo in photos[:6:5]])
    assert "a person may be in several splits" in warning
