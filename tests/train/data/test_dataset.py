import json
import pickle

import numpy as np
import pytest
import torch

from pipeline.heatmaps import stage as heatmaps
from pipeline.runtime.errors import InputError
from pipeline.shards import ShardSet
from train.data.dataset import Faces, local_rank_and_size, open_shards, training_classes


@pytest.fixture(scope="module")
def shards(dataset):
    return open_shards(dataset.faces, dataset.heatmaps)


@pytest.fixture(scope="module")
def train(shards):
    return Faces(*shards, "train", training_classes(shards[0]))


def test_every_row_is_its_shards_row(shards, train):
    faces, heatmaps = shards
    for index in (0, len(train) // 2, len(train) - 1):
        image, heatmap, has_map, target, row = train[index]
        assert np.array_equal(image.permute(1, 2, 0).numpy(), faces.crop(row))
        assert np.array_equal(heatmap[0].numpy(), heatmaps.row("maps", row))
        assert has_map == heatmaps.column("has_map")[row]
        assert training_classes(faces)[target] == faces.column("label")[row]
        assert faces.column("split")[row] == "train"


def test_splits_share_no_row_and_cover_the_faces(shards):
    faces, heatmaps = shards
    rows = [Faces(faces, heatmaps, split, training_classes(faces)).rows for split in ("train", "validation", "test")]
    together = np.concatenate(rows)
    assert len(set(together.tolist())) == len(together) == (faces.column("status") == "ok").sum()


def test_photos_without_a_face_are_counted_not_shown(shards, train):
    faces, _ = shards
    assert train.photos == (faces.column("split") == "train").sum() >= len(train)


def test_classes_are_the_sorted_labels(shards):
    assert training_classes(shards[0]) == ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def test_crosses_a_pickle_with_files_open(train):
    before = train[0]
    after = pickle.loads(pickle.dumps(train))[0]
    assert torch.equal(before[0], after[0])
    assert before[2:] == after[2:]


def test_label_outside_the_classes_names_the_face(shards):
    with pytest.raises(
        InputError,
        match=r"face s.*-surprise-0 has the label surprise, but the classes are anger, .*: train on faces of this label",
    ):
        Faces(*shards, "train", ("anger", "disgust", "fear", "happiness", "neutral", "sadness"))


def test_empty_split_is_an_error(shards):
    with pytest.raises(InputError, match="no face in the holdout split"):
        Faces(*shards, "holdout", ("anger",))


def test_heatmaps_of_other_faces_are_refused(dataset, tmp_path):
    for file in dataset.heatmaps.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    index = json.loads((tmp_path / "index.json").read_text())
    index["stamp"]["faces_sha256"] = "0" * 64
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert ShardSet(tmp_path, "heatmaps").provenance["faces_sha256"] == "0" * 64
    with pytest.raises(InputError, match=r"was not rendered from .*: run `aucue heatmaps` again"):
        open_shards(dataset.faces, tmp_path)


def test_maps_per_class_give_each_face_the_map_of_its_label(dataset, params, shards, train, tmp_path):
    heatmaps.main(
        params=params.heatmaps.model_copy(update={"per_class": True}), faces_dir=dataset.faces, heatmaps_dir=tmp_path
    )
    every = Faces(*open_shards(dataset.faces, tmp_path), "train", training_classes(shards[0]))
    np.testing.assert_array_equal(every.has_map, train.has_map)
    assert not every.has_map.all()
    for index in range(len(train)):
        assert torch.equal(every[index][1], train[index][1])


def test_a_process_that_trains_alone_checks_everything(monkeypatch):
    """A shell that torchrun or a scheduler started may have left these variables."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert local_rank_and_size() == (0, 1)
