"""A training run: epochs of training and validation, and the choice of the best epoch."""

import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from pipeline.runtime.progress import progress
from train.data.augmentation import random_params, whole_view
from train.data.crop_cache import training_dataset
from train.data.dataset import Batch, Faces, neutral_class
from train.data.loading import BatchLoader, on_device, reader_count, split_batches
from train.data.region_swaps import Swaps, swap_params
from train.loop import calibration, engine, optim, resume
from train.loop.distributed import DistributedContext, synchronise_batch_norms
from train.loop.resume import EpochMetrics, State
from train.loop.sampling import class_weights, derive_seed, epoch_indices
from train.models.checkpoint import Config
from train.models.classifier import Classifier, Output
from train.models.guidance import Guidance

CALIBRATION_BATCHES = 8  # batches whose statistics the batch norms get


class Trainer:
    """Trains a classifier and validates it, epoch by epoch."""

    def __init__(
        self,
        classifier: Classifier,
        params: Train,
        train: Faces,
        validation: Faces,
        config: Config,
        distributed: DistributedContext,
    ) -> None:
        """Build the optimiser, the schedule and the data of a run.

        Args:
            classifier: The network before its first step, on the device.
            params: The recipe.
            train: The faces to train on.
            validation: The faces by which the best epoch is chosen.
            config: The config of the run, with its digest.
            distributed: The processes that train together.
        """
        self.params = params
        self.train = train
        self.validation = validation
        self.config = config
        self.distributed = distributed
        workers = reader_count(params, distributed.device)
        self.dataset = training_dataset(train, params, distributed.device, workers)
        # Batch norm cannot learn from the few faces of an incomplete batch. An epoch leaves them out.
        self.batch_size = min(params.batch_size, len(train))
        self.batches = len(train) // self.batch_size
        pin = distributed.device.type == "cuda"
        self.train_loader = BatchLoader(self.dataset, (), workers, pin=pin)
        parts = split_batches(range(len(validation)), self.batch_size, distributed.rank, distributed.size)
        self.validation_loader = BatchLoader(validation, [part for part in parts if part], workers, pin=pin)
        self.context = engine.TrainContext(
            classifier,
            _wrap(classifier, params, distributed),
            params,
            optim.optimizer(classifier, params),
            class_weights(train, params).to(distributed.device),
            distributed,
            find_swaps(train, params, config.classes),
        )
        self.lr_lambda = optim.lr_lambda(params, self.batches)
        self.schedule = optim.schedule(self.context.optimizer, self.lr_lambda)

    def begin(self) -> State:
        """Prepare the network for its first epoch, and return the state before this epoch."""
        backbone = self.context.classifier.backbone
        if backbone.has_folded_statistics:
            order = epoch_indices(self.train, self.params, self.config.seed, 1)
            first = split_batches(order, self.params.batch_size)[:CALIBRATION_BATCHES]
            calibration.calibrate(backbone, self._backbone_inputs(first))
            self.distributed.broadcast(backbone)  # the GPUs of several processes may round differently
        return State(self.config.run)

    def resume(self, unfinished: Path) -> State | None:
        """Restore the network, the optimiser and the schedule from the file of a killed run.

        Args:
            unfinished: File that ``resume.save`` wrote; it need not exist.

        Returns:
            The state of the killed run. None if there is no file, or it is damaged or of another run.
        """
        state = resume.load(unfinished, self.config.run, self.context.classifier, self.context.optimizer)
        if state:
            self.schedule = optim.schedule(self.context.optimizer, self.lr_lambda, state.step)
            self.distributed.echo(f"going on after epoch {state.epoch} of {self.params.epochs}, from {unfinished}")
        elif unfinished.exists():
            self.distributed.echo(
                f"starting again: {unfinished} is damaged, or belongs to other parameters, data, code or another device"
            )
        return state

    def epoch(self, state: State) -> EpochMetrics:
        """Train and validate one more epoch, and update ``state``.

        Returns:
            The metrics of the epoch: split -> metric -> value.

        Raises:
            InputError: If the validation loss is not finite.
            DivergedError: If the loss of a training batch is not finite.
        """
        number = state.epoch + 1
        torch.manual_seed(derive_seed(self.config.seed, number))  # for dropout and other random layers
        title = f"{self.config.variant} {number}/{self.params.epochs}"
        quiet = self.distributed.rank > 0
        batches = progress(self._batches(number), total=self.batches, title=title, unit="batches", quiet=quiet)
        trained = engine.train_epoch(self.context, batches, self.schedule)
        validated = engine.validate(self.context, on_device(self.validation_loader, self.distributed.device))
        if not math.isfinite(validated["cross_entropy"]):
            raise InputError(f"the validation loss of epoch {number} is not finite: lower train.learning_rate")
        if not state.best or selection_key(validated) > selection_key(state.best):
            state.best = {"epoch": number, **validated}
            weights = self.context.classifier.state_dict()
            state.best_weights = {name: value.detach().cpu().clone() for name, value in weights.items()}
        state.epoch, state.step = number, state.step + self.batches
        state.history.append({"train": trained, "validation": validated})
        return state.history[-1]

    def _backbone_inputs(self, batches: list[list[int]]) -> Iterator[Tensor]:
        """Read whole crops (B, 3, H, W), as the backbone takes them."""
        for batch in BatchLoader(self.dataset, batches):
            view = whole_view(batch.to(self.distributed.device), self.params.input_size)
            yield self.context.classifier.prepare(view.images)

    def _batches(self, epoch: int) -> Iterator[tuple[Batch, engine.Draws]]:
        """Read this process's part of every batch of an epoch, with its random numbers, all on the device."""
        seed, device = self.config.seed, self.distributed.device
        order = epoch_indices(self.train, self.params, seed, epoch)[: self.batches * self.batch_size]
        places = split_batches(range(len(order)), self.batch_size, self.distributed.rank, self.distributed.size)
        of_views = random_params(len(order), torch.Generator().manual_seed(derive_seed(seed, epoch, "draws"))).to(device)
        of_swaps = swap_params(len(order), torch.Generator().manual_seed(derive_seed(seed, epoch, "swaps"))).to(device)
        self.train_loader.batches = [[order[place] for place in part] for part in places]
        for part, batch in zip(places, on_device(self.train_loader, device), strict=True):
            rows = slice(part[0], part[-1] + 1)  # places follow each other: a list of them would be copied to the device
            yield batch, engine.Draws(of_views[rows], of_swaps[rows])


def find_swaps(train: Faces, params: Train, classes: tuple[str, ...]) -> Swaps | None:
    """Decide how training faces show regions of others.

    Args:
        train: The training faces.
        params: The recipe.
        classes: The labels.

    Returns:
        None if decisions are not guided.

    Raises:
        InputError: If decisions are guided, and no label or several labels are without action units.
    """
    share = Guidance.of_params(params).evidence
    if not share:
        return None
    neutral = neutral_class(train, classes)
    if neutral is None:
        raise InputError(
            "train.align has evidence, which needs training faces of one label without action units, such as neutral: "
            "leave evidence out, or add such faces"
        )
    return Swaps(neutral, share)


def selection_key(metrics: dict[str, float]) -> tuple[float, float]:
    """Return the key by which epochs are ranked: the epoch with the largest key is the best.

    The lower cross-entropy decides, and among equals the higher accuracy. On the hundred faces of a small validation split
    accuracy is mostly luck: the epoch that it chose was worse on other faces by 0.7 points.

    Args:
        metrics: The validation metrics of an epoch.
    """
    return -metrics["cross_entropy"], metrics["accuracy"]


def should_stop(state: State, params: Train) -> bool:
    """Return whether the last ``params.patience`` epochs were no better than the best epoch. 0 never stops a run."""
    return bool(params.patience and state.best and state.epoch - state.best["epoch"] >= params.patience)


def _wrap(classifier: Classifier, params: Train, distributed: DistributedContext) -> Callable[..., Output]:
    """Wrap the classifier for several processes and compile it, if the run needs it.

    The wrapper and the classifier share their weights.
    """
    model = synchronise_batch_norms(classifier, distributed)
    if distributed.size > 1:
        with warnings.catch_warnings():  # PyTorch 2.13 renames broadcast_buffers; 2.10 does not know the new name
            warnings.simplefilter("ignore", FutureWarning)
            model = DistributedDataParallel(model, broadcast_buffers=False)
    return torch.compile(model) if params.compile else model
