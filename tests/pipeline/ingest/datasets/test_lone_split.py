from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.lone_split import without_lone_split


def photos(*splits):
    return [Photo(f"{number}", "", "fear", split, "") for number, split in enumerate(splits)]


def test_a_lone_split_is_taken_away(capsys):
    assert without_lone_split(photos("train", "train"), Path("root")) == photos("", "")
    assert "root has train photos alone: splits are made from them (ingest.test_fraction)" in capsys.readouterr().err


def test_other_splits_stay(capsys):
    for splits in (("train", "test"), ("train", "validation", "test"), ("", ""), ()):
        assert without_lone_split(photos(*splits), Path("root")) == photos(*splits)
    excluded = Photo("x", "", "", "test", "", "excluded", "damaged")
    assert without_lone_split([*photos("train"), excluded], Path("root"))[0].split == ""
    assert capsys.readouterr().err.count("\n") == 1
