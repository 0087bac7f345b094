import json

import pytest

from train.bench import reading
from train.bench.large_sets import build_large_sets
from train.data.dataset import Faces, open_shards, training_classes


@pytest.mark.slow
def test_every_size_is_measured(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROUNDS", 2)
    monkeypatch.setattr(reading, "BATCHES", 2)
    reading.main(dataset.faces, dataset.heatmaps, (50, 400), tmp_path / "bench" / "read.json")
    found = json.loads((tmp_path / "bench" / "read.json").read_text())
    for encoding in ("jpeg", "raw"):
        assert [entry["rows"] for entry in found[encoding]] == [80, 400]
        assert [entry["shards"] for entry in found[encoding]] == [2, 10]
        for entry in found[encoding]:
            assert min(entry.values()) > 0
        assert [found[encoding][0][f"{name}_of_first"] for name in reading.READERS] == [1, 1]
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["read.json"]


@pytest.mark.parametrize("encoding", ["jpeg", "raw"])
def test_large_sets_hold_the_faces_of_the_small_one_again_and_again(dataset, faces, tmp_path, encoding):
    shards = open_shards(dataset.faces, dataset.heatmaps)
    large = Faces(*open_shards(*build_large_sets(*shards, 120, encoding, tmp_path)), "train", training_classes(shards[0]))
    number = len(large) // 3
    assert len(large) == 3 * number
    assert len({path.stat().st_ino for path in (tmp_path / "faces").glob("*.h5")}) == 1
    for place in (0, number - 1):
        items = [large[place + copy * number] for copy in range(3)]
        assert len({item[0].numpy().tobytes() for item in items}) == 1
        assert [item[4] - items[0][4] for item in items] == [0, 40, 80]
        row = next(index for index in range(len(faces)) if faces.targets[index] == items[0][3])
        assert items[0][0].shape == faces[row][0].shape
