"""Stage train: faces and heatmaps in, the best epoch's checkpoint and the curves out."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import click
import torch
from dvclive import Live
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from pipeline.errors import InputError
from pipeline.files import locked
from pipeline.params import Base, Train
from pipeline.progress import progress
from pipeline.shards import ShardSet
from train import engine, model, recipe, resume
from train.augment import draw, whole_view
from train.data import Batch, Faces, classes_of, in_batches, loader, open_shards, reading_processes
from train.distributed import Group, group, synchronised

CALIBRATION_BATCHES = 8


def main(
    base: Base,
    params: Train,
    variant: str,
    faces_dir: Path,
    heatmaps_dir: Path,
    out_dir: Path,
    take_up: bool = False,
) -> dict[str, float]:
    """Train one variant and write ``model.safetensors`` of the epoch with the lowest validation cross-entropy (of equals,
    the more accurate) and dvclive's curves under ``live``; returns that epoch's validation metrics.

    The variant "baseline" is the same run without any alignment. The checkpoint is written last. With ``take_up`` a run
    that was killed goes on after its last whole epoch, and ends where it would have ended; one that ended stays as it is.
    """
    if variant == "baseline":
        params = params.model_copy(update={"align": ()})
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes = classes_of(faces)
    if len(classes) < 2:
        raise InputError(f"{faces_dir} has training faces of {classes[0]} alone: there is nothing to tell apart")
    train, validation = (Faces(faces, heatmaps, split, classes) for split in ("train", "validation"))
    settings = params.model_dump(mode="json", by_alias=True)
    config = model.Config(variant, 0, classes, settings, base.seed, faces.stamp, heatmaps.stamp)
    checkpoint, unfinished = out_dir / "model.safetensors", out_dir / "unfinished.safetensors"
    with group(params.device) as processes, _alone(out_dir, processes), _deterministic(processes):
        if params.batch_size < processes.size:
            raise InputError(f"train.batch_size is {params.batch_size}, too few for {processes.size} processes: raise it")
        torch.manual_seed(base.seed)
        classifier = model.build(config).to(processes.device)
        config = replace(config, backbone=classifier.backbone.description())
        config = replace(config, run=resume.digest(config, classifier, processes.device))
        if take_up and (ended := resume.ended(checkpoint, config.run)):
            _say(processes, f"{checkpoint} is what this run ends with: nothing to do")
            if processes.rank == 0:
                unfinished.unlink(missing_ok=True)  # of a run that was killed between its last two steps
            return ended
        _check_maps(classifier, params, processes)
        processes.wait()  # all have looked for the checkpoint before one removes it
        if processes.rank == 0:
            out_dir.mkdir(parents=True, exist_ok=True)
            checkpoint.unlink(missing_ok=True)
        training = Training(classifier, params, train, validation, config, processes)
        state = training.take_up(unfinished) if take_up else None
        state = state or training.begin()
        processes.wait()  # all have read what is unfinished before one writes it anew
        with _curves(out_dir / "live", state, processes) as curves, _mends(params, faces):
            while state.epoch < params.epochs and not recipe.stale(state, params):
                curves(training.epoch(state))
                if processes.rank == 0:
                    resume.save(unfinished, state, classifier, training.learner.optimizer)
        if processes.rank == 0:
            best = replace(config, epoch=state.best["epoch"], validation=state.best)
            model.save(checkpoint, state.best_weights, best)
            unfinished.unlink(missing_ok=True)
    return state.best


def _say(processes: Group, sentence: str) -> None:
    if processes.rank == 0:
        click.echo(f"train: {sentence}", err=True)


@contextmanager
def _alone(folder: Path, processes: Group) -> Iterator[None]:
    """Hold the lock on what is written, in one process for all."""
    with locked(folder) if processes.rank == 0 else nullcontext():
        yield


@contextmanager
def _mends(params: Train, faces: ShardSet) -> Iterator[None]:
    """What stops a training, as one sentence."""
    try:
        yield
    except engine.Diverged as diverged:
        ids = ", ".join(faces.column("id")[diverged.rows])
        raise InputError(f"the loss is {diverged.loss} on the faces {ids}: lower train.learning_rate") from None
    except RuntimeError as error:
        if not (params.compile and type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))):
            raise
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"train.compile: PyTorch cannot compile this classifier ({reason}): set it to false") from error


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
            engine.calibrate(backbone, _views(loader(self.train, first), self.params.input_size, self.processes))
            self.processes.share(backbone)  # a GPU may round otherwise every time
        return resume.State(self.config.run)

    def take_up(self, unfinished: Path) -> resume.State | None:
        """Fill network and optimizer from what a killed run left; returns its state, or None if it is of another run."""
        state = resume.load(unfinished, self.config.run, self.learner.classifier, self.learner.optimizer)
        if state:
            _say(self.processes, f"going on after epoch {state.epoch} of {self.params.epochs}, from {unfinished}")
        elif unfinished.exists():
            _say(self.processes, f"beginning anew: {unfinished} is damaged, or of other parameters, data, code or device")
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

    def _drawn(self, epoch: int) -> Iterator[tuple[Batch, Tensor]]:
        """This process's part of every batch, and its draws."""
        order = recipe.order(self.train, self.params, self.config.seed, epoch)[: self.batches * self.batch_size]
        places = in_batches(range(len(order)), self.batch_size, self.processes.rank, self.processes.size)
        draws = draw(len(order), torch.Generator().manual_seed(recipe.seed_of(self.config.seed, epoch, "draws")))
        items = [[order[place] for place in part] for part in places]
        batches = loader(self.train, items, self.reading, pin=self.processes.device.type == "cuda")
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


@torch.no_grad()
def _check_maps(classifier: model.Classifier, params: Train, processes: Group) -> None:
    """A map of one cell has the same cosine whatever it shows: guiding it would do nothing, silently."""
    seen = classifier.eval()(torch.zeros(1, 3, params.input_size, params.input_size, device=processes.device))
    attention_weight, cam_weight = recipe.loss_weights(params)
    guided = {f"layer {layer}": seen.layers[layer - 1][0, 0] for layer in params.layers if attention_weight}
    if cam_weight and seen.maps is not None:
        guided["the class map"] = seen.maps[0, 0]
    for name, cells in guided.items():
        if cells.numel() == 1:
            raise InputError(
                f"{name} is 1 x 1 for inputs of {params.input_size} pixels and cannot be guided: "
                "raise train.input_size or set train.large_maps"
            )


def _views(batches: Iterable[Batch], size: int, processes: Group) -> Iterator[Tensor]:
    for batch in batches:
        yield whole_view(batch.to(processes.device), size).images.contiguous(memory_format=torch.channels_last)


@contextmanager
def _curves(folder: Path, state: resume.State, processes: Group) -> Iterator[Callable[[dict], None]]:
    """What logs an epoch's metrics, after those of ``state``'s history."""
    if processes.rank > 0:
        yield lambda metrics: None
        return
    with Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False) as live:

        def log(epoch: dict) -> None:
            for split, metrics in epoch.items():
                for name, value in metrics.items():
                    live.log_metric(f"{split}/{name}", value)
            live.next_step()

        for epoch in state.history:
            log(epoch)
        yield log
        live.summary["best"] = state.best
        live.make_summary()


@contextmanager
def _deterministic(processes: Group) -> Iterator[None]:
    """The same curve for the same seed, on a CPU. New memory is left unfilled: nothing reads it, and to fill it is a seventh
    of the time."""
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(processes.device.type == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]
