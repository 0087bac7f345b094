"""The benchmark ``aucue bench train``: the cost of a training step with and without guidance, and whether reading keeps up.

All kinds of steps take turns in one process, so that a change of the machine's load affects all of them.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipeline.bench.measurement import print_figures
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from pipeline.runtime.parameters import Params, Train
from pipeline.runtime.progress import progress
from train.data.augmentation import random_params, whole_view
from train.data.crop_cache import CachedCrops, training_dataset
from train.data.dataset import Batch, Faces, open_shards, training_classes
from train.data.loading import BatchLoader, split_batches, worker_count
from train.loop import engine, optim
from train.loop.distributed import DistributedContext
from train.loop.sampling import epoch_indices
from train.models import checkpoint as checkpoints
from train.models.devices import chosen_device

MATRIX_SIZES = (1536, 8192)  # rows and columns of the matrices whose product measures a CPU and a GPU
REPEATS = 5  # products in one measurement
# A first epoch reads every crop from the shards. Later epochs find crops in memory (train.cache_megabytes).
EPOCHS = ("first_epoch", "later_epochs")
ROUNDS = 5  # turns of every kind of step; the first round only warms up
LEARNING_RATE_SHARE = 1e-3  # of the peak rates: hundreds of steps on one batch should not diverge


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
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes = training_classes(faces)
    train = Faces(faces, heatmaps, "train", classes)
    settings, seed = params.train, params.base.seed
    if not settings.align:
        raise InputError("train.align is empty: there is no guidance to measure; set it to [attention]")
    # The order of one epoch, in which no face comes twice.
    order = epoch_indices(train, settings.model_copy(update={"sampling": "natural"}), seed, 1)
    batches = split_batches(order, min(settings.batch_size, len(train)))[:steps]
    if len(batches[-1]) < len(batches[0]) or len(batches) < steps:
        raise InputError(
            f"{faces_dir} has too few training faces for {steps} batches of {settings.batch_size}: lower --steps"
        )
    alone = DistributedContext(0, 1, chosen_device(settings.device))
    runs = {name: TrainingSteps(settings, name, classes, alone, seed) for name in ("baseline", "guided")}
    new_dataset = partial(training_dataset, train, settings, alone.device, worker_count(settings, alone.device))
    fixed = [next(iter(BatchLoader(new_dataset(), batches[:1])))] * steps
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
    }
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


class TrainingSteps:
    """Trains a new classifier on any batches."""

    def __init__(
        self, params: Train, variant: str, classes: tuple[str, ...], distributed: DistributedContext, seed: int
    ) -> None:
        """Build the classifier, its optimiser and a schedule of small learning rates.

        Args:
            params: The recipe.
            variant: ``guided`` or ``baseline``.
            classes: The labels.
            distributed: The process that trains, and its device.
            seed: Seed of the initial weights.
        """
        params = params if variant == "guided" else params.unguided()
        torch.manual_seed(seed)
        config = checkpoints.Config(variant, 0, classes, params.model_dump(mode="json", by_alias=True), seed, {}, {})
        classifier = checkpoints.build(config).to(distributed.device)
        self.context = engine.TrainContext(
            classifier,
            torch.compile(classifier) if params.compile else classifier,
            params,
            optim.optimizer(classifier, params),
            torch.ones(len(classes), device=distributed.device),
            distributed,
        )
        self.schedule = optim.schedule(self.context.optimizer, lambda _: LEARNING_RATE_SHARE)

    def __call__(self, batches: Iterable[Batch]) -> None:
        """Train on every batch once."""
        engine.train_epoch(self.context, with_random_numbers(batches), self.schedule)


class TimedBatches:
    """Iterates over batches and measures the time that reading them takes.

    Attributes:
        seconds: The time so far.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        source = iter(self._batches)
        while True:
            start = time.perf_counter()
            batch = next(source, None)
            self.seconds += time.perf_counter() - start
            if batch is None:
                return
            yield batch


def measure_rounds(
    runs: dict[str, TrainingSteps],
    fixed: list[Batch],
    batches: Sequence[Sequence[int]],
    new_dataset: Callable[[], Faces | CachedCrops],
) -> dict[str, list[float]]:
    """Measure every kind of step in turn, in each of ``ROUNDS`` rounds.

    Args:
        runs: The steps of ``baseline`` and ``guided``.
        fixed: Batches in memory.
        batches: The indices of the batches to read from the shards, as many as ``fixed``.
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
    workers = worker_count(guided.context.params, alone.device)
    for _ in progress(range(ROUNDS), total=ROUNDS, title="bench train", unit="rounds"):
        for name, run in runs.items():
            seconds[name].append(measure_seconds(alone, partial(run, fixed)))
        seconds["forward"].append(measure_seconds(alone, partial(run_forward, guided, fixed)))
        dataset = new_dataset()
        for epoch in EPOCHS:
            timed = TimedBatches(BatchLoader(dataset, batches, workers, pin=alone.device.type == "cuda"))
            seconds[f"shards {epoch}"].append(measure_seconds(alone, partial(guided, timed)))
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


def measure_arithmetic(run: TrainingSteps, batch: Batch, seconds: float) -> dict[str, float]:
    """Compare the arithmetic of a training step with that of one large matrix product.

    The matrix product is in bfloat16 (train.amp) or float32. In bfloat16 its rate is about the best of a GPU. In float32
    convolutions may be faster than the product: on GPUs they use TF32.

    Args:
        run: The step.
        batch: Its input.
        seconds: Duration of the step.

    Returns:
        Multiplications and additions of the convolutions and matrix products of the step; their rate; the rate of the large
        matrix product; and the ratio of these rates.
    """
    context = run.context
    uncompiled = replace(context, call=context.classifier)  # the counter does not see compiled code
    with FlopCounterMode(display=False) as counter:
        engine.train_epoch(uncompiled, with_random_numbers([batch]), run.schedule)
    device = context.distributed.device
    side = MATRIX_SIZES[device.type == "cuda"]
    dtype = torch.bfloat16 if context.params.amp else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    times = [measure_seconds(context.distributed, lambda: [left @ right for _ in range(REPEATS)]) for _ in range(ROUNDS)]
    rate = 2 * side**3 * REPEATS / min(times[1:])
    flops = counter.get_total_flops()
    return {
        "gigaflops_of_a_step": flops / 1e9,
        "gigaflops_per_second": flops / seconds / 1e9,
        "gigaflops_per_second_of_a_matrix_product": rate / 1e9,
        "share_of_a_matrix_product": flops / seconds / rate,
    }


@torch.no_grad()
def run_forward(run: TrainingSteps, batches: Iterable[Batch]) -> None:
    """Run the network alone once for each batch, on the whole crops of the first batch."""
    context = run.context
    context.classifier.eval()
    view = None
    for batch in batches:
        view = view or whole_view(batch.to(context.distributed.device), context.params.input_size)
        with torch.autocast(context.distributed.device.type, torch.bfloat16, enabled=context.params.amp):
            context.call(view.images)


def with_random_numbers(batches: Iterable[Batch]) -> Iterator[tuple[Batch, Tensor]]:
    """Yield every batch with its random numbers (B, NUMBERS), as ``engine.train_epoch`` takes them."""
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        yield batch, random_params(len(batch.targets), generator)


def measure_seconds(distributed: DistributedContext, work: Callable[[], object]) -> float:
    """Return the seconds until ``work`` is complete on the device."""
    start = time.perf_counter()
    work()
    if distributed.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak_megabytes(distributed: DistributedContext) -> float:
    """Return the peak memory in MB (10^6 bytes): of the GPU if the device is a GPU, and else of this process."""
    if distributed.device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # in kilobytes on Linux
