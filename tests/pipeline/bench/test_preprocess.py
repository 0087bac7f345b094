import pytest

from pipeline.bench import preprocess
from pipeline.bench.preprocess import measure_detectors, repeat, settings
from pipeline.faces import manifest
from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError


def test_repeated_photos_make_a_manifest():
    photos = repeat([Photo("a", "a.png", "fear", "train", ""), Photo("b", "b.png", "anger", "train", "")], 8)
    manifest.check(photos)
    assert [photo.path for photo in photos] == ["a.png", "b.png"] * 4


def test_settings_get_cheaper(params):
    as_given, without_cnn, hasty = settings(params).values()
    assert as_given is params
    assert without_cnn.detect.detector == hasty.detect.detector == "hog"
    assert without_cnn.landmarks == params.landmarks
    assert len(hasty.detect.search_sizes) == 1
    assert hasty.landmarks.max_refinements == 0


def test_a_call_of_the_cnn_is_timed_beside_hog(dataset, monkeypatch):
    photos, seen = manifest.read(dataset.manifest)[:3], []
    monkeypatch.setattr(preprocess, "search", lambda _, levels: seen.extend(level.name for level in levels))
    monkeypatch.setattr(preprocess, "timed", lambda work: (work(), {4: 0.003, 8: 0.012}[len(seen)]))
    figures = measure_detectors(photos)
    assert seen == ["128"] * 4 + ["mmod 128"] * 4  # once more each, to load the model
    assert figures == {"hog_milliseconds": 1, "cnn_milliseconds": 4, "cnn_over_hog": 4}


def test_large_photos_of_fewer_than_three_are_refused(dataset, params, tmp_path):
    with pytest.raises(InputError, match="--large is 2: give 0, or 3 or more"):
        preprocess.main(params, dataset.manifest, 8, 2, 8, tmp_path / "out.json")
