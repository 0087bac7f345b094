"""The benchmark ``aucue bench train``: the cost of a training step with and without guidance, and whether reading keeps up.

All kinds of steps take turns in one process, so that a change of the machine's load affects all of them.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import torch

from pipeline.bench.measurement import print_figures
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.parameters import Params, Train
from pipeline.runtime.progress import progress
from train.bench.arithmetic import measure_arithmetic
from train.bench.host_waits import waits_of_a_step
from train.bench.kernels import dearest_kernels, print_kernels
from train.bench.steps import TimedBatches, TrainingSteps, measure_seconds, peak_megabytes, run_forward
from train.data.crop_cache import CachedCrops, training_dataset
from train.data.dataset import Batch, Faces, open_shards, training_classes
from train.data.loading import BatchLoader, on_device, reader_count, split_batches
from train.loop.distributed import DistributedContext
from train.loop.sampling import epoch_indices
from train.loop.trainer import find_swaps
from train.models.devices import chosen_device

# A first epoch reads every crop from the shards. Later epochs find crops in memory (train.cache_megabytes).
EPOCHS = ("first_epoch", "later_epochs")
ROUNDS = 5  # turns of every kind of step; the first round only warms up
PREFETCHED = 2  # batches that each process reads ahead (DataLoader's default)


def main(params: Params, faces_dir: Path, heatmaps_dir: Path, steps: int, out: Path) -> dict[str, object]:
    """Measure training steps, print the figures and write them as JSON.

    Args:
        params: The train block and the seed are used.
        faces_dir: Folder of face shards to read.
        heatmaps_dir: Folder of heatmap shards to read.
        steps: Number of steps of each kind in a round.
        out: File to write.

    Returns:
        The figures that were written.

    Raises:
        InputError: If nothing is guided, or there are too few training faces.
    """
    refuse_foreign(out, json_with("batch_size"))
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes = training_classes(faces)
    train = Faces(faces, heatmaps, "train", classes)
    settings, seed = params.train, params.base.seed
    if not settings.align:
        raise InputError("train.align is empty: there is no guidance to measure; set it to [attention]")
    alone = DistributedContext(0, 1, chosen_device(settings.device))
    workers = reader_count(settings, alone.device)
    batches = _batches(train, settings, seed, steps, workers)
    if not batches:
        raise InputError(
            f"{faces_dir} has too few training faces for {steps} batches of {settings.batch_size}: lower --steps"
        )
    swaps = find_swaps(train, settings, classes)
    runs = {name: TrainingSteps(settings, name, classes, alone, seed, swaps) for name in ("baseline", "guided")}
    new_dataset = partial(training_dataset, train, settings, alone.device, workers)
    read = next(iter(BatchLoader(new_dataset(), batches[:1])))
    fixed = [read.to(alone.device)] * steps
    seconds = measure_rounds(runs, fixed, batches, new_dataset)
    results = {
        "device": torch.cuda.get_device_name() if alone.device.type == "cuda" else alone.device.type,
        "threads": torch.get_num_threads(),
        "batch_size": len(batches[0]),
        **_summarise(seconds, images=steps * len(batches[0])),
        "arithmetic": print_figures(
            "arithmetic", measure_arithmetic(runs["guided"], fixed[0], _median(seconds["guided"]) / steps)
        ),
        "memory": print_figures(
            "memory",
            {
                "peak_megabytes": peak_megabytes(alone),  # holds no crops but those of these steps
                "all_training_crops_megabytes": len(train) * fixed[0].images[0].nbytes / 1e6,
            },
        ),
        "kernels": print_kernels(dearest_kernels(lambda number: runs["guided"](fixed[:1] * number), alone.device)),
    }
    if alone.device.type == "cuda":
        pinned = read.pin_memory()
        waits = waits_of_a_step(lambda number: runs["guided"](on_device([pinned] * number, alone.device)))
        results["host_waits"] = print_figures("host waits", {"of_a_step": sum(waits.values()), **waits})
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def _batches(train: Faces, settings: Train, seed: int, steps: int, workers: int) -> list[list[int]]:
    """Choose the items of the batches to read: ``steps`` batches, after those that fill the queues of the workers.

    Without workers no face comes twice, as in an epoch: a second time it would come from memory. If there are too few faces
    for this, there are no batches.
    """
    order = epoch_indices(train, settings.model_copy(update={"sampling": "natural"}), seed, 1)
    size = min(settings.batch_size, len(train))
    number = PREFETCHED * workers + steps
    batches = split_batches(list(islice(cycle(order), number * size)) if workers else order, size)[:number]
    return batches if len(batches) == number and len(batches[-1]) == size else []


def measure_rounds(
    runs: dict[str, TrainingSteps],
    fixed: list[Batch],
    batches: Sequence[Sequence[int]],
    new_dataset: Callable[[], Faces | CachedCrops],
) -> dict[str, list[float]]:
    """Measure every kind of step in turn, in each of ``ROUNDS`` rounds.

    Args:
        runs: The steps of ``baseline`` and ``guided``.
        fixed: Batches in the device's memory.
        batches: The indices of the batches to read from the shards. The last ones, as many as ``fixed``, are timed.
        new_dataset: Builds a dataset that has no crop in memory yet.

    Returns:
        The seconds of each kind of step, one number for each round: ``baseline``, ``guided`` and ``forward`` on the fixed
        batches; for each of ``EPOCHS`` ``shards`` (guided steps that read from the shards) and ``waiting`` (the part of this
        time that reading took).
    """
    kinds = (*runs, "forward", *(f"{kind} {epoch}" for kind in ("shards", "waiting") for epoch in EPOCHS))
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    guided = runs["guided"]
    alone = guided.context.distributed
    workers = reader_count(guided.context.params, alone.device)
    for _ in progress(range(ROUNDS), total=ROUNDS, title="bench train", unit="rounds"):
        for name, run in runs.items():
            seconds[name].append(measure_seconds(alone, partial(run, fixed)))
        seconds["forward"].append(measure_seconds(alone, partial(run_forward, guided, fixed)))
        loader = BatchLoader(new_dataset(), batches, workers, pin=alone.device.type == "cuda")
        for epoch in EPOCHS:
            timed = TimedBatches(loader)
            source = on_device(timed, alone.device)
            if len(batches) > len(fixed):
                guided(islice(source, len(batches) - len(fixed)))
            timed.seconds = 0.0
            seconds[f"shards {epoch}"].append(measure_seconds(alone, partial(guided, source)))
            seconds[f"waiting {epoch}"].append(timed.seconds)
    return seconds


def _summarise(seconds: dict[str, list[float]], images: int) -> dict[str, dict[str, float]]:
    """Print and return the rates and ratios. ``images`` is the number of images in the steps of one kind in a round."""
    middle = {kind: _median(times) for kind, times in seconds.items()}
    ratios = [guided / baseline for guided, baseline in zip(seconds["guided"], seconds["baseline"], strict=True)]
    rates = {
        "forward_only": images / middle["forward"],
        "training_step_on_fixed_tensors": images / middle["guided"],
        **{f"training_from_shards_{epoch}": images / middle[f"shards {epoch}"] for epoch in EPOCHS},
    }
    shares = {
        "guided_step_of_a_baseline_step": _median(ratios),
        **{f"from_shards_of_fixed_tensors_{epoch}": middle["guided"] / middle[f"shards {epoch}"] for epoch in EPOCHS},
        **{
            f"share_of_time_waiting_for_data_{epoch}": middle[f"waiting {epoch}"] / middle[f"shards {epoch}"]
            for epoch in EPOCHS
        },
    }
    return {"images_per_second": print_figures("images a second", rates), "ratios": print_figures("ratios", shares)}


def _median(rounds: Sequence[float]) -> float:
    """Return the median of all rounds but the first, which warms up."""
    return statistics.median(rounds[1:])
