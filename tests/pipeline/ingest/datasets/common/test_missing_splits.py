from pathlib import Path

import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.missing_splits import validation_as_test, without_lone_split


def photos(*splits):
    return [Photo(f"{number}", "", "fear", split, "") for number, split in enumerate(splits)]


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


def test_a_lone_split_is_taken_away(notes):
    assert without_lone_split(photos("train", "train"), Path("root"), notes) == photos("", "")
    assert "root has train photos alone: splits are made from them (ingest.test_fraction)" in "\n".join(notes)


def test_other_splits_stay(notes):
    for splits in (("train", "test"), ("train", "validation", "test"), ("", ""), ()):
        assert without_lone_split(photos(*splits), Path("root"), notes) == photos(*splits)
    excluded = Photo("x", "", "", "test", "", "excluded", "damaged")
    assert without_lone_split([*photos("train"), excluded], Path("root"), notes)[0].split == ""
    assert len(notes) == 1


def test_validation_photos_serve_as_test_photos(notes):
    assert validation_as_test(photos("train", "validation"), Path("root"), notes) == photos("train", "test")
    assert notes == ["root has no test split: its validation photos serve as test photos"]
    for splits in (("train", "test"), ("train", "validation", "test"), ("validation",), ("", ""), ()):
        assert validation_as_test(photos(*splits), Path("root"), notes) == photos(*splits)
    assert len(notes) == 1


def test_test_photos_that_cannot_be_used_are_said(notes):
    excluded = Photo("x", "", "", "test", "", "excluded", "it has no label")
    assert validation_as_test([*photos("train", "validation"), excluded], Path("root"), notes)[1].split == "test"
    assert notes == ["root has no test photos that can be used: its validation photos serve as test photos"]
