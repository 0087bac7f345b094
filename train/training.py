"""A training: its steps from epoch to epoch, over everything that the stage has opened."""

import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from pipeline.errors import InputError
from pipeline.params import Train
from pipeline.progress import progress
from train import engine, model, recipe, resume
from train.augment import draw, whole_view
from train.data import Batch, Faces, in_batches, loader, reading_processes
from train.distributed import Group, synchronised
from train.kept import for_training

CALIBRATION_BATCHES = 8


class Training:
    """A classifier that learns from ``train`` and is checked on ``validation``."""

    def __init__(
        self,
        classifier: model.Classifier,
        params: Train,
        train: Faces,
        validation: Faces,
        config: model.Config,
        processes: Group,
    ) -> None:
        self.params = params
        self.train = train
        self.validation = validation
        self.config = config
        self.processes = processes
        self.reading = reading_processes(params, processes.device)
        self.items = for_training(train, params, processes.device, self.reading)
        self.batch_size, self.batches = _batches(train, params)
        self.learner = engine.Learner(
            classifier,
            _callable(classifier, params, processes),
            params,
            recipe.optimizer(classifier, params),
            recipe.rate(params, self.batches),
            recipe.class_weights(train, params).to(processes.device),
            processes,
        )

    def begin(self) -> resume.State:
        """Prepare the network; returns the state before the first epoch."""
        backbone = self.learner.classifier.backbone
        if backbone.has_folded_statistics:
            order = recipe.order(self.train, self.params, self.config.seed, 1)
            first = in_batches(order, self.params.batch_size)[:CALIBRATION_BATCHES]
            engine.calibrate(backbone, self._views(first))
            self.processes.share(backbone)  # a GPU may round otherwise every time
        return resume.State(self.config.run)

    def take_up(self, unfinished: Path) -> resume.State | None:
        """Fill network and optimizer from what a killed run left; returns its state, or None if it is of another run."""
        state = resume.load(unfinished, self.config.run, self.learner.classifier, self.learner.optimizer)
        if state:
            self.processes.say(f"going on after epoch {state.epoch} of {self.params.epochs}, from {unfinished}")
        elif unfinished.exists():
            self.processes.say(f"beginning anew: {unfinished} is damaged, or of other parameters, data, code or device")
        return state

    def epoch(self, state: resume.State) -> dict[str, dict[str, float]]:
        """One more epoch: brings ``state`` up to date and returns the metrics by split."""
        number = state.epoch + 1
        torch.manual_seed(recipe.seed_of(self.config.seed, number))  # of dropout and the like
        title = f"{self.config.variant} {number}/{self.params.epochs}"
        quiet = self.processes.rank > 0
        drawn = progress(self._drawn(number), total=self.batches, title=title, unit="batches", quiet=quiet)
        trained = engine.train_epoch(self.learner, drawn, state.step)
        parts = in_batches(range(len(self.validation)), self.batch_size, self.processes.rank, self.processes.size)
        checked = loader(self.validation, [part for part in parts if part], self.reading)
        validated = engine.validate(self.learner, checked)
        if not math.isfinite(validated["cross_entropy"]):
            raise InputError(f"the validation loss of epoch {number} is not finite: lower train.learning_rate")
        if not state.best or recipe.rank(validated) > recipe.rank(state.best):
            state.best = {"epoch": number, **validated}
            weights = self.learner.classifier.state_dict()
            state.best_weights = {name: value.detach().cpu().clone() for name, value in weights.items()}
        state.epoch, state.step = number, state.step + self.batches
        state.history.append({"train": trained, "validation": validated})
        return state.history[-1]

    def _views(self, batches: list[list[int]]) -> Iterator[Tensor]:
        """Whole crops as the backbone takes them."""
        for batch in loader(self.items, batches):
            view = whole_view(batch.to(self.processes.device), self.params.input_size)
            yield self.learner.classifier.prepare(view.images)

    def _drawn(self, epoch: int) -> Iterator[tuple[Batch, Tensor]]:
        """This process's part of every batch, and its draws."""
        order = recipe.order(self.train, self.params, self.config.seed, epoch)[: self.batches * self.batch_size]
        places = in_batches(range(len(order)), self.batch_size, self.processes.rank, self.processes.size)
        draws = draw(len(order), torch.Generator().manual_seed(recipe.seed_of(self.config.seed, epoch, "draws")))
        items = [[order[place] for place in part] for part in places]
        batches = loader(self.items, items, self.reading, pin=self.processes.device.type == "cuda")
        for part, batch in zip(places, batches, strict=True):
            yield batch, draws[part]


def _batches(train: Faces, params: Train) -> tuple[int, int]:
    """Their size, and how many make an epoch: batch norm cannot learn from the few faces of an incomplete one."""
    size = min(params.batch_size, len(train))
    return size, len(train) // size


def _callable(classifier: model.Classifier, params: Train, processes: Group) -> Callable:
    """How to call the classifier in training: its parameters are shared with what is returned."""
    run = synchronised(classifier, processes)
    if processes.size > 1:
        with warnings.catch_warnings():  # PyTorch 2.13 calls it forward_sync_buffers, which 2.10 does not know
            warnings.simplefilter("ignore", FutureWarning)
            run = DistributedDataParallel(run, broadcast_buffers=False)
    return torch.compile(run) if params.compile else run
