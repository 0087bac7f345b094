import pytest
import torch

from train.data.augmentation import random_params, shrink, train_view, whole_view
from train.data.crop_cache import CachedCrops, training_dataset
from train.data.dataset import Faces
from train.data.loading import BatchLoader
from train.loop import stage as train
from train.models import checkpoint as checkpoints

SIZE = 64  # its crops of 256 pixels are shrunk to 80


@pytest.fixture
def read(faces, monkeypatch):
    """The items whose crops were read."""
    found, image = [], faces.image
    monkeypatch.setattr(faces, "image", lambda index: found.append(index) or image(index))
    return found


def test_views_are_those_of_the_crops_read_again(faces, params):
    random_numbers = random_params(4, torch.Generator().manual_seed(0))
    kept = CachedCrops(faces, SIZE, 1)
    for _ in range(2):
        (whole,), (small,) = BatchLoader(faces, [[3, 1, 4, 0]]), BatchLoader(kept, [[3, 1, 4, 0]])
        assert small.images.shape[2:] == (80, 80)
        for view in (
            lambda batch: whole_view(batch, SIZE),
            lambda batch: train_view(batch, SIZE, params.train.augment, random_numbers),
        ):
            expected, found = view(whole), view(small)
            for name, value in vars(expected).items():
                assert torch.equal(getattr(found, name), value), name
        assert torch.equal(small.rows, whole.rows)


def test_a_crop_is_read_once(faces, read):
    kept = CachedCrops(faces, SIZE, 1)
    first = [kept[index][0] for index in (0, 1, 0)]
    assert read == [0, 1]
    assert torch.equal(first[0], first[2])
    assert len(kept) == len(faces)


def test_no_more_is_kept_than_there_is_room_for(faces, read):
    kept = CachedCrops(faces, 200, 1)  # crops of 250 pixels
    room = 10**6 // (3 * 250 * 250)
    assert len(faces) > room > 1
    for _ in range(2):
        for index in range(room + 1):
            kept[index]
    assert read == [*range(room + 1), room]


def test_without_memory_nothing_is_kept(faces, read):
    kept = CachedCrops(faces, SIZE, 0)
    assert torch.equal(kept[0][0], kept[0][0])
    assert read == [0, 0]


def test_crops_that_are_no_larger_stay_as_they_are(faces):
    assert torch.equal(CachedCrops(faces, 224, 1)[0][0], faces[0][0])
    assert torch.equal(shrink(faces[0][0][None], 224)[0], faces[0][0])


def test_crops_lie_as_batches_are_stacked(faces):
    assert CachedCrops(faces, SIZE, 1)[0][0].stride() == (1, 3 * 80, 3)


def test_only_training_that_reads_for_itself_on_a_cpu_keeps_crops(faces, params, read, monkeypatch):
    cpu = torch.device("cpu")
    assert training_dataset(faces, params.train, cpu, workers=2) is faces
    assert training_dataset(faces, params.train, torch.device("mps"), workers=0) is faces
    small = params.train.model_copy(update={"cache_megabytes": 1, "input_size": 200})
    for processes, room in (("1", 5), ("2", 2)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
        kept = training_dataset(faces, small, cpu, workers=0)
        read.clear()
        for index in (*range(6), *range(6)):
            kept[index]
        assert len(read) == 12 - room


def test_a_training_reads_each_crop_once(dataset, params, faces, tmp_path, monkeypatch):
    read, image = [], Faces.image
    monkeypatch.setattr(Faces, "image", lambda self, index: read.append(self.rows[index]) or image(self, index))
    changes = {"epochs": 3, "batch_size": 7, "input_size": 64, "colour": False}  # colours are looked at beforehand
    block = params.train.model_copy(update=changes)
    train.main(
        base=params.base,
        params=block,
        variant="guided",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "kept",
    )
    assert sorted(row for row in read if row in faces.rows) == sorted(faces.rows)
    again = block.model_copy(update={"cache_megabytes": 0})
    train.main(
        base=params.base,
        params=again,
        variant="guided",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "read",
    )
    weights = [checkpoints.load(tmp_path / name / "model.safetensors")[0].state_dict() for name in ("kept", "read")]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
