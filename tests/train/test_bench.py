import json

import pytest
import torch

from pipeline.errors import InputError
from train import bench
from train.distributed import Group


def test_everything_is_measured(dataset, params, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 2)
    small = params.train.model_copy(update={"input_size": 64, "batch_size": 4})
    bench.main(params.model_copy(update={"train": small}), dataset.faces, dataset.heatmaps, 2, tmp_path / "train.json")
    found = json.loads((tmp_path / "train.json").read_text())
    rates = found["images_per_second"]
    assert rates["forward_only"] > rates["training_step_on_fixed_tensors"] > 0
    assert 0 <= found["ratios"]["share_of_time_waiting_for_data"] < 1
    assert 0.3 < found["ratios"]["guided_step_of_a_baseline_step"] < 3
    assert found["memory"]["peak_megabytes"] > 100


def test_waiting_is_the_time_of_the_source():
    def slow():
        yield from torch.arange(3).tolist()

    waited = bench.Waiting(slow())
    assert list(waited) == [0, 1, 2]
    assert 0 < waited.seconds < 1


def test_without_guidance_there_is_nothing_to_compare(dataset, params, tmp_path):
    none = params.model_copy(update={"train": params.train.model_copy(update={"align": ()})})
    with pytest.raises(InputError, match="train.align is empty"):
        bench.main(none, dataset.faces, dataset.heatmaps, 2, tmp_path / "train.json")


def test_too_few_faces_are_named(dataset, params, tmp_path):
    with pytest.raises(InputError, match="has too few training faces for 100000 batches of 32: lower --steps"):
        bench.main(params, dataset.faces, dataset.heatmaps, 100_000, tmp_path / "train.json")


def test_peak_memory_is_that_of_the_process():
    assert bench.peak_megabytes(Group(0, 1, torch.device("cpu"))) > 100
