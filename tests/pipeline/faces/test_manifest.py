from dataclasses import replace

import pytest

from pipeline.faces import manifest
from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.errors import InputError

PHOTOS = [
    Photo("a", "folder/größe 1.jpg", "anger", "train", "s1", aus="12=0.9/1.1 25=0.7/0.7"),
    Photo('b,"c"', "x\ny.jpg", "顔", "validation", ""),
    Photo("d", "d.jpg", "fear", "test", "s2"),
    Photo("e", "e.jpg", "contempt", "", "", "excluded", "label contempt, is not in ingest.labels"),
]


def test_photos_come_back(tmp_path):
    manifest.write(tmp_path / "manifest.csv", PHOTOS)
    assert manifest.read(tmp_path / "manifest.csv") == PHOTOS


def test_duplicate_id_is_named(tmp_path):
    with pytest.raises(InputError, match="two photos have the id 'a': name each photo once"):
        manifest.write(tmp_path / "manifest.csv", [*PHOTOS, replace(PHOTOS[2], id="a")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("split", "fix"),
    [
        ("train", "lower the ingest fractions"),
        ("validation", "raise ingest.validation_fraction"),
        ("test", "raise ingest.test_fraction"),
    ],
)
def test_empty_split_is_named(tmp_path, split, fix):
    photos = [photo for photo in PHOTOS if photo.split != split]
    photos.append(Photo("f", "f.jpg", "fear", split, "", "excluded", "does not count"))
    with pytest.raises(InputError, match=f"the {split} split is empty: .*{fix}"):
        manifest.write(tmp_path / "manifest.csv", photos)


def test_missing_manifest_names_the_stage(tmp_path):
    with pytest.raises(InputError, match=r"none.csv does not exist: run `aucue ingest` first"):
        manifest.read(tmp_path / "none.csv")


def test_splits_are_in_the_order_of_use():
    assert SPLITS == ("train", "validation", "test")
