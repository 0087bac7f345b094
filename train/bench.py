"""``aucue bench train``: what a step costs with and without guidance, and whether the data keeps up. All in one run."""

import json
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
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
from train.data.crop_cache import for_training
from train.data.dataset import Batch, Faces, classes_of, in_batches, loader, open_shards, reading_processes
from train.loop import engine, optim
from train.loop.distributed import DistributedContext
from train.loop.sampling import epoch_indices
from train.models import checkpoint as checkpoints
from train.models.devices import chosen_device

MATRIX = (1536, 8192)  # rows of the product by which a CPU and a GPU are measured
REPEATS = 5
EPOCHS = ("first_epoch", "later_epochs")  # all from shards, and with the crops that stay in memory (train.cache_megabytes)
ROUNDS = 5  # of turns that baseline and guided take, the first of which only warms up


def main(params: Params, faces_dir: Path, heatmaps_dir: Path, steps: int, out: Path) -> dict[str, object]:
    """Run everything, print it and write it to ``out`` as JSON: ``steps`` steps of each kind a round."""
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes = classes_of(faces)
    train = Faces(faces, heatmaps, "train", classes)
    settings = params.train
    if not settings.guidance:
        raise InputError("train.align is empty: without guidance there is nothing to compare")
    alone = DistributedContext(0, 1, chosen_device(settings.device))
    # Of one epoch, in which no face comes twice.
    order = epoch_indices(train, settings.model_copy(update={"sampling": "natural"}), params.base.seed, 1)
    items = in_batches(order, min(settings.batch_size, len(train)))[:steps]
    if len(items[-1]) < len(items[0]) or len(items) < steps:
        raise InputError(
            f"{faces_dir} has too few training faces for {steps} batches of {settings.batch_size}: lower --steps"
        )
    runs = {name: Steps(settings, name, classes, alone, params.base.seed) for name in ("baseline", "guided")}
    images = steps * len(items[0])

    reading = reading_processes(settings, alone.device)
    faces_of = partial(for_training, train, settings, alone.device, reading)
    fixed = [next(iter(loader(faces_of(), items[:1])))] * steps  # as training gets them
    names = (*runs, "forward", *(f"{what} {epoch}" for what in ("shards", "waiting") for epoch in EPOCHS))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in progress(range(ROUNDS), total=ROUNDS, title="bench train", unit="rounds"):
        for name, run in runs.items():
            seconds[name].append(timed(alone, lambda run=run: run(fixed)))
        seconds["forward"].append(timed(alone, lambda: forward(runs["guided"], fixed)))
        crops = faces_of()  # none of them is in memory yet
        for epoch in EPOCHS:
            waited = Waiting(loader(crops, items, reading, pin=alone.device.type == "cuda"))
            seconds[f"shards {epoch}"].append(timed(alone, lambda waited=waited: runs["guided"](waited)))
            seconds[f"waiting {epoch}"].append(waited.seconds)
    middle = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    ratios = [guided / baseline for guided, baseline in zip(seconds["guided"][1:], seconds["baseline"][1:], strict=True)]
    results: dict[str, object] = {
        "device": torch.cuda.get_device_name() if alone.device.type == "cuda" else alone.device.type,
        "threads": torch.get_num_threads(),
        "batch_size": len(items[0]),
        "images_per_second": print_figures(
            "images a second",
            {
                "forward_only": images / middle["forward"],
                "training_step_on_fixed_tensors": images / middle["guided"],
                **{f"training_from_shards_{epoch}": images / middle[f"shards {epoch}"] for epoch in EPOCHS},
            },
        ),
        "ratios": print_figures(
            "ratios",
            {
                "guided_step_of_a_baseline_step": statistics.median(ratios),
                **{
                    f"from_shards_of_fixed_tensors_{epoch}": middle["guided"] / middle[f"shards {epoch}"] for epoch in EPOCHS
                },
                **{
                    f"share_of_time_waiting_for_data_{epoch}": middle[f"waiting {epoch}"] / middle[f"shards {epoch}"]
                    for epoch in EPOCHS
                },
            },
        ),
        "arithmetic": print_figures("arithmetic", arithmetic(runs["guided"], fixed[0], middle["guided"] / steps)),
        "memory": print_figures(
            "memory",
            {
                "peak_megabytes": peak_megabytes(alone),  # with the crops of the steps alone
                "all_training_crops_megabytes": len(train) * fixed[0].images[0].nbytes / 1e6,
            },
        ),
    }
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


class Steps:
    """A classifier that is trained on whatever batches it is given."""

    def __init__(self, params: Train, variant: str, classes: tuple[str, ...], group: DistributedContext, seed: int) -> None:
        params = params if variant == "guided" else params.unguided()
        torch.manual_seed(seed)
        config = checkpoints.Config(variant, 0, classes, params.model_dump(mode="json", by_alias=True), seed, {}, {})
        classifier = checkpoints.build(config).to(group.device)
        self.context = engine.TrainContext(
            classifier,
            torch.compile(classifier) if params.compile else classifier,
            params,
            optim.optimizer(classifier, params),
            torch.ones(len(classes), device=group.device),
            group,
        )
        # A small share of the learning rates: hundreds of steps on one batch should not diverge.
        self.schedule = optim.schedule(self.context.optimizer, lambda step: 1e-3)

    def __call__(self, batches: Iterable[Batch]) -> None:
        engine.train_epoch(self.context, drawn(batches), self.schedule)


def arithmetic(run: Steps, batch: Batch, seconds: float) -> dict[str, float]:
    """Multiplications and additions of the convolutions and matrix products of one step, which takes ``seconds``; their
    rate, and that of one large matrix product in bfloat16 (train.amp) or float32. (The former is about a GPU's best; in
    float32 convolutions may beat the product: on GPUs they take TF32.)"""
    context = run.context
    counted = replace(context, call=context.classifier)  # what is compiled is not seen by the counter
    with FlopCounterMode(display=False) as counter:
        engine.train_epoch(counted, drawn([batch]), run.schedule)
    side = MATRIX[context.distributed.device.type == "cuda"]
    kind = torch.bfloat16 if context.params.amp else torch.float32
    left, right = (torch.randn(side, side, device=context.distributed.device, dtype=kind) for _ in range(2))
    times = [timed(context.distributed, lambda: [left @ right for _ in range(REPEATS)]) for _ in range(ROUNDS)]
    rate = 2 * side**3 * REPEATS / min(times[1:])
    flops = counter.get_total_flops()
    return {
        "gigaflops_of_a_step": flops / 1e9,
        "gigaflops_per_second": flops / seconds / 1e9,
        "gigaflops_per_second_of_a_matrix_product": rate / 1e9,
        "share_of_a_matrix_product": flops / seconds / rate,
    }


@torch.no_grad()
def forward(run: Steps, batches: Iterable[Batch]) -> None:
    """The network alone, on whole crops."""
    context = run.context
    context.classifier.eval()
    view = None
    for batch in batches:
        view = view or whole_view(batch.to(context.distributed.device), context.params.input_size)
        with torch.autocast(context.distributed.device.type, torch.bfloat16, enabled=context.params.amp):
            context.call(view.images)


class Waiting:
    """Iterates over ``batches`` and adds up the ``seconds`` that this took."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        source, end = iter(self._batches), object()
        while True:
            start = time.perf_counter()
            batch = next(source, end)
            self.seconds += time.perf_counter() - start
            if batch is end:
                return
            yield batch


def drawn(batches: Iterable[Batch]) -> Iterator[tuple[Batch, Tensor]]:
    """Every batch with its draws."""
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        yield batch, random_params(len(batch.targets), generator)


def timed(group: DistributedContext, work: Callable[[], None]) -> float:
    """Seconds until everything is computed."""
    start = time.perf_counter()
    work()
    if group.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak_megabytes(group: DistributedContext) -> float:
    """Of the GPU's memory, or of this process."""
    if group.device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kilobytes on Linux
