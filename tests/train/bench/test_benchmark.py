import json

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.bench import arithmetic, benchmark, kernels
from train.bench import steps as timing
from train.data.dataset import Batch, Faces
from train.loop import engine
from train.loop.distributed import DistributedContext


def test_everything_is_measured(dataset, params, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "ROUNDS", 2)
    monkeypatch.setattr(arithmetic, "ROUNDS", 2)
    small = params.train.model_copy(update={"input_size": 64, "batch_size": 4})
    benchmark.main(params.model_copy(update={"train": small}), dataset.faces, dataset.heatmaps, 2, tmp_path / "train.json")
    found = json.loads((tmp_path / "train.json").read_text())
    rates = found["images_per_second"]
    assert min(rates.values()) > 0  # how large is for an idle machine to say
    for epoch in benchmark.EPOCHS:
        assert rates[f"training_from_shards_{epoch}"] > 0
        assert found["ratios"][f"from_shards_of_fixed_tensors_{epoch}"] == pytest.approx(
            rates[f"training_from_shards_{epoch}"] / rates["training_step_on_fixed_tensors"]
        )
        assert 0 <= found["ratios"][f"share_of_time_waiting_for_data_{epoch}"] < 1
    assert found["ratios"]["guided_step_of_a_baseline_step"] > 0
    work = found["arithmetic"]
    assert work["share_of_a_matrix_product"] == pytest.approx(
        work["gigaflops_per_second"] / work["gigaflops_per_second_of_a_matrix_product"]
    )
    assert found["memory"]["peak_megabytes"] > 100
    assert found["memory"]["all_training_crops_megabytes"] == 14 * 3 * 80 * 80 / 1e6
    assert len(found["kernels"]) == kernels.NUMBER
    assert 0 < sum(kernel["share"] for kernel in found["kernels"]) <= 1
    assert "host_waits" not in found  # a CPU computes before a call returns


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 3])
def test_readers_fill_their_queues_before_the_time_begins(dataset, params, tmp_path, monkeypatch, steps):
    """With workers, as on a GPU: faces come again, and the timed batches are those after the queues' first ones."""
    trained, train_epoch = [], engine.train_epoch

    def counted(context, batches, schedule):
        batches = list(batches)
        trained.append(len(batches))
        return train_epoch(context, batches[:1], schedule)

    monkeypatch.setattr(benchmark, "ROUNDS", 2)
    monkeypatch.setattr(arithmetic, "ROUNDS", 2)
    monkeypatch.setattr(engine, "train_epoch", counted)
    small = params.train.model_copy(update={"input_size": 64, "batch_size": 8, "workers": 1})
    benchmark.main(
        params.model_copy(update={"train": small}), dataset.faces, dataset.heatmaps, steps, tmp_path / "train.json"
    )
    first_round = trained[:6]
    assert first_round == [steps, steps, 2, steps, 2, steps]  # baseline, guided, and twice from the shards


def test_a_first_epoch_reads_every_crop_and_later_ones_none(dataset, params, tmp_path, monkeypatch):
    read, image = [], Faces.image
    monkeypatch.setattr(Faces, "image", lambda faces, index: read.append(index) or image(faces, index))
    monkeypatch.setattr(benchmark, "ROUNDS", 2)
    monkeypatch.setattr(arithmetic, "ROUNDS", 2)
    small = params.train.model_copy(update={"input_size": 64, "batch_size": 4})
    benchmark.main(params.model_copy(update={"train": small}), dataset.faces, dataset.heatmaps, 2, tmp_path / "train.json")
    fixed, *rounds = read[:4], read[4:12], read[12:]
    assert len(fixed) == 4
    assert [len(set(items)) for items in rounds] == [8, 8]
    assert len(rounds[1]) == 8


def test_arithmetic_counts_forward_and_backward(dataset, params):
    """A convolution takes two products for every weight and output pixel, and twice that in the backward pass; the first
    needs no gradient of its input."""
    settings = params.train.model_copy(update={"input_size": 64, "batch_size": 4})
    run = timing.TrainingSteps(settings, "guided", ("a", "b"), DistributedContext(0, 1, torch.device("cpu")), 0)
    pixels = torch.zeros(4, 3, 80, 80, dtype=torch.uint8)
    batch = Batch(pixels, torch.ones(4, 1, 28, 28).byte(), torch.ones(4).bool(), torch.tensor([0, 1, 0, 1]), torch.arange(4))
    sizes = {}
    convolutions = [module for module in run.context.classifier.modules() if isinstance(module, torch.nn.Conv2d)]
    for module in convolutions:
        module.register_forward_hook(lambda layer, _, output: sizes.__setitem__(layer, output[0, 0].numel() * 4))
    found = arithmetic.measure_arithmetic(run, batch, seconds=2.0)
    flops = [2 * module.weight.numel() * sizes[module] * (2 if module is convolutions[0] else 3) for module in convolutions]
    assert found["gigaflops_of_a_step"] == pytest.approx(sum(flops) / 1e9, rel=0.01)
    assert found["gigaflops_per_second"] == pytest.approx(found["gigaflops_of_a_step"] / 2)


def test_waiting_is_the_time_of_the_source():
    def slow():
        yield from torch.arange(3).tolist()

    timed = timing.TimedBatches(slow())
    assert list(timed) == [0, 1, 2]
    assert 0 < timed.seconds < 1


def test_without_guidance_there_is_nothing_to_compare(dataset, params, tmp_path):
    none = params.model_copy(update={"train": params.train.model_copy(update={"align": ()})})
    with pytest.raises(InputError, match=r"train\.align is empty"):
        benchmark.main(none, dataset.faces, dataset.heatmaps, 2, tmp_path / "train.json")


def test_too_few_faces_are_named(dataset, params, tmp_path):
    with pytest.raises(InputError, match="has too few training faces for 100000 batches of 32: lower --steps"):
        benchmark.main(params, dataset.faces, dataset.heatmaps, 100_000, tmp_path / "train.json")


def test_peak_memory_is_that_of_the_process():
    assert timing.peak_megabytes(DistributedContext(0, 1, torch.device("cpu"))) > 100
