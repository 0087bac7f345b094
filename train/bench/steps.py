"""Steps of a training that the benchmark times, and how it times them."""

import time
from collections.abc import Callable, Iterable, Iterator

import torch

from pipeline.bench.measurement import peak_memory
from pipeline.runtime.parameters import Train
from train.data.augmentation import random_params, whole_view
from train.data.dataset import Batch
from train.data.region_swaps import Swaps, swap_params
from train.loop import engine, optim
from train.loop.distributed import DistributedContext
from train.models import checkpoint as checkpoints

LEARNING_RATE_SHARE = 1e-3  # of the peak rates: hundreds of steps on one batch should not diverge


class TrainingSteps:
    """Trains a new classifier on any batches."""

    def __init__(
        self,
        params: Train,
        variant: str,
        classes: tuple[str, ...],
        distributed: DistributedContext,
        seed: int,
        swaps: Swaps | None = None,
    ) -> None:
        """Build the classifier, its optimiser and a schedule of small learning rates.

        Args:
            params: The recipe.
            variant: ``guided`` or ``baseline``.
            classes: The labels.
            distributed: The process that trains, and its device.
            seed: Seed of the initial weights.
            swaps: How faces show regions of others, if the variant is guided.
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
            swaps if variant == "guided" else None,
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


def with_random_numbers(batches: Iterable[Batch]) -> Iterator[tuple[Batch, engine.Draws]]:
    """Yield every batch with its random numbers, as ``engine.train_epoch`` takes them."""
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        number = len(batch.targets)
        yield batch, engine.Draws(random_params(number, generator), swap_params(number, generator))


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
    return peak_memory() / 1e6
