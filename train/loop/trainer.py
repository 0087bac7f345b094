"""A training run: epochs of steps and validation, and which epoch is the best."""

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
from train.data.crop_cache import for_training
from train.data.dataset import Batch, Faces, in_batches, loader, reading_processes
from train.loop import calibration, engine, optim, resume
from train.loop.distributed import DistributedContext, synchronised
from train.loop.resume import State
from train.loop.sampling import class_weights, derive_seed, epoch_indices
from train.models.checkpoint import Config
from train.models.classifier import Classifier

CALIBRATION_BATCHES = 8


class Trainer:
    """Trains a classifier on ``train`` and checks it on ``validation``, epoch by epoch."""

    def __init__(
        self,
        classifier: Classifier,
        params: Train,
        train: Faces,
        validation: Faces,
        config: Config,
        distributed: DistributedContext,
    ) -> None:
        self.params = params
        self.train = train
        self.validation = validation
        self.config = config
        self.distributed = distributed
        self.reading = reading_processes(params, distributed.device)
        self.items = for_training(train, params, distributed.device, self.reading)
        # Batch norm cannot learn from the few faces of an incomplete batch: they wait for the next epoch.
        self.batch_size = min(params.batch_size, len(train))
        self.batches = len(train) // self.batch_size
        self.context = engine.TrainContext(
            classifier,
            _callable(classifier, params, distributed),
            params,
            optim.optimizer(classifier, params),
            class_weights(train, params).to(distributed.device),
            distributed,
        )
        self.lr_lambda = optim.lr_lambda(params, self.batches)
        self.schedule = optim.schedule(self.context.optimizer, self.lr_lambda)

    def begin(self) -> State:
        """Prepare the network; returns the state before the first epoch."""
        backbone = self.context.classifier.backbone
        if backbone.has_folded_statistics:
            order = epoch_indices(self.train, self.params, self.config.seed, 1)
            first = in_batches(order, self.params.batch_size)[:CALIBRATION_BATCHES]
            calibration.calibrate(backbone, self._views(first))
            self.distributed.broadcast(backbone)  # a GPU may round differently every time
        return State(self.config.run)

    def resume(self, unfinished: Path) -> State | None:
        """Fill network, optimiser and schedule from the file of a killed run.

        Returns:
            The state of that run, or None if there is no such file, or it is of another run.
        """
        state = resume.load(unfinished, self.config.run, self.context.classifier, self.context.optimizer)
        if state:
            self.schedule = optim.schedule(self.context.optimizer, self.lr_lambda, state.step)
            self.distributed.say(f"going on after epoch {state.epoch} of {self.params.epochs}, from {unfinished}")
        elif unfinished.exists():
            self.distributed.say(f"beginning anew: {unfinished} is damaged, or of other parameters, data, code or device")
        return state

    def epoch(self, state: State) -> dict[str, dict[str, float]]:
        """Train and validate one more epoch, and bring ``state`` up to date.

        Returns:
            The epoch's metrics by split.

        Raises:
            InputError: If the validation loss is not finite.
            DivergedError: If the loss of a training batch is not finite.
        """
        number = state.epoch + 1
        torch.manual_seed(derive_seed(self.config.seed, number))  # of dropout and the like
        title = f"{self.config.variant} {number}/{self.params.epochs}"
        quiet = self.distributed.rank > 0
        batches = progress(self._batches(number), total=self.batches, title=title, unit="batches", quiet=quiet)
        trained = engine.train_epoch(self.context, batches, self.schedule)
        parts = in_batches(range(len(self.validation)), self.batch_size, self.distributed.rank, self.distributed.size)
        validation = loader(self.validation, [part for part in parts if part], self.reading)
        validated = engine.validate(self.context, validation)
        if not math.isfinite(validated["cross_entropy"]):
            raise InputError(f"the validation loss of epoch {number} is not finite: lower train.learning_rate")
        if not state.best or selection_key(validated) > selection_key(state.best):
            state.best = {"epoch": number, **validated}
            weights = self.context.classifier.state_dict()
            state.best_weights = {name: value.detach().cpu().clone() for name, value in weights.items()}
        state.epoch, state.step = number, state.step + self.batches
        state.history.append({"train": trained, "validation": validated})
        return state.history[-1]

    def _views(self, batches: list[list[int]]) -> Iterator[Tensor]:
        """Whole crops (B, 3, H, W), as the backbone takes them."""
        for batch in loader(self.items, batches):
            view = whole_view(batch.to(self.distributed.device), self.params.input_size)
            yield self.context.classifier.prepare(view.images)

    def _batches(self, epoch: int) -> Iterator[tuple[Batch, Tensor]]:
        """This process's part of every batch of an epoch, with its random numbers."""
        seed = self.config.seed
        order = epoch_indices(self.train, self.params, seed, epoch)[: self.batches * self.batch_size]
        places = in_batches(range(len(order)), self.batch_size, self.distributed.rank, self.distributed.size)
        random = random_params(len(order), torch.Generator().manual_seed(derive_seed(seed, epoch, "draws")))
        items = [[order[place] for place in part] for part in places]
        batches = loader(self.items, items, self.reading, pin=self.distributed.device.type == "cuda")
        for part, batch in zip(places, batches, strict=True):
            yield batch, random[part]


def selection_key(metrics: dict[str, float]) -> tuple[float, float]:
    """Rank an epoch by its validation metrics: the epoch with the largest key is the best.

    The cross-entropy decides: on the hundred faces of a small validation split accuracy is mostly luck, and the epoch that it
    chose was worse on other faces (by 0.7 points).
    """
    return -metrics["cross_entropy"], metrics["accuracy"]


def should_stop(state: State, params: Train) -> bool:
    """Whether ``params.patience`` epochs have brought nothing better."""
    return bool(params.patience and state.best and state.epoch - state.best["epoch"] >= params.patience)


def _callable(classifier: Classifier, params: Train, distributed: DistributedContext) -> Callable:
    """What training calls: the classifier itself, or wrapped for several processes, or compiled. It shares its parameters."""
    run = synchronised(classifier, distributed)
    if distributed.size > 1:
        with warnings.catch_warnings():  # PyTorch 2.13 calls it forward_sync_buffers, which 2.10 does not know
            warnings.simplefilter("ignore", FutureWarning)
            run = DistributedDataParallel(run, broadcast_buffers=False)
    return torch.compile(run) if params.compile else run
