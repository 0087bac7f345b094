"""Stage train: reads faces and heatmaps, and writes the checkpoint of the best epoch and the training curves."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from pipeline.runtime import class_counts
from pipeline.runtime.commands.paths import CHECKPOINT
from pipeline.runtime.errors import InputError
from pipeline.runtime.messages import warn
from pipeline.runtime.outputs.files import locked
from pipeline.runtime.outputs.places import make_folder, remove_output
from pipeline.runtime.parameters import Base, Train
from pipeline.shards import ShardSet
from train.data import source_bias
from train.data.dataset import Faces, count_faces, open_shards, training_classes
from train.data.loading import reader_failures
from train.loop import resume as resuming
from train.loop.curves import curves, refuse_foreign_files
from train.loop.distributed import DistributedContext, distributed_context
from train.loop.loss_watch import DivergedError
from train.loop.trainer import Trainer, should_stop
from train.models import checkpoint as checkpoints
from train.models.checkpoint import Config
from train.models.classifier import Classifier
from train.models.guidance import Guidance

# The code that decides the output.
ROOMS = ("train/loop", "train/models", "train/data", "train/alignment.py", "pipeline/shards")


def main(
    *,
    base: Base,
    params: Train,
    variant: str,
    faces_dir: Path,
    heatmaps_dir: Path,
    out_dir: Path,
    resume: bool = False,
    untrained_labels: Literal["refuse", "count", "exclude"] = "refuse",
) -> dict[str, float]:
    """Train one variant. Write ``model.safetensors`` of the best epoch, and dvclive's curves under ``live``.

    The best epoch has the lowest cross-entropy on the validation split, and among equals the highest accuracy. The
    checkpoint is written last.

    Args:
        base: All random numbers are derived from its seed.
        params: The recipe.
        variant: ``guided``, or ``baseline`` for the same run without any alignment loss.
        faces_dir: Folder of face shards to read.
        heatmaps_dir: Folder of heatmap shards to read.
        out_dir: Folder to write.
        resume: Whether to continue a killed run after its last complete epoch. The result is that of an undisturbed run. A
            finished run stays unchanged.
        untrained_labels: ``evaluate.untrained_labels``: whether to refuse labels that only validation or test faces have.
            Otherwise the validation leaves these faces out.

    Returns:
        The validation metrics of the best epoch.

    Raises:
        InputError: If the shards do not fit each other or the parameters, the loss is not finite, or the folder holds files
            that would be lost.
    """
    checkpoints.refuse_foreign(out_dir / CHECKPOINT)
    refuse_foreign_files(out_dir / "live")
    params = params.unguided() if variant == "baseline" else params
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes, counts = training_classes(faces), count_faces(faces)
    if len(classes) == 1:
        raise InputError(f"{faces_dir} has training faces of {classes[0]} alone: add training faces of another expression")
    train = Faces(faces, heatmaps, "train", classes)
    class_counts.refuse_untrained(counts, "face", untrained_labels, "add training photos of it")
    validation = Faces(faces, heatmaps, "validation", classes, drop_others=True)
    settings = params.model_dump(mode="json", by_alias=True)
    config = Config(variant, 0, classes, settings, base.seed, faces.provenance, heatmaps.provenance)
    with distributed_context(params.device) as distributed, _locked(out_dir, distributed), _deterministic(distributed):
        classifier, config = _build(config, params, distributed)
        if resume and (metrics := _finished(out_dir, config, distributed)):
            return metrics
        _check_maps(classifier, params, distributed)
        others = sorted(label for label, split in counts if split == "validation" and label not in classes)
        if others and distributed.rank == 0:
            warn(f"no training face has the label {', '.join(others)}: validation leaves its faces out")
        trainer = Trainer(classifier, params, train, validation, config, distributed)
        with friendly_errors(params, faces), reader_failures():
            return _train(trainer, out_dir, resume)


def _build(config: Config, params: Train, distributed: DistributedContext) -> tuple[Classifier, Config]:
    """Build the network, and complete the config: the backbone's description and the digest of the run."""
    if params.batch_size < distributed.size:
        raise InputError(f"train.batch_size is {params.batch_size}, too few for {distributed.size} processes: raise it")
    torch.manual_seed(config.seed)
    classifier = checkpoints.build(config).to(distributed.device)
    config = replace(config, backbone=classifier.backbone.description())
    return classifier, replace(config, run=resuming.run_digest(config, classifier, distributed.device, ROOMS))


def _finished(out_dir: Path, config: Config, distributed: DistributedContext) -> dict[str, float] | None:
    """Return the metrics of this run if it is finished."""
    checkpoint = out_dir / CHECKPOINT
    metrics = resuming.finished_metrics(checkpoint, config.run)
    if metrics:
        distributed.echo(f"{checkpoint} is the result of this run: nothing to do")
        if distributed.rank == 0:
            remove_output(_unfinished_path(out_dir))  # stays if the run was killed after it wrote the checkpoint
    return metrics


def _train(trainer: Trainer, out_dir: Path, resume: bool) -> dict[str, float]:
    """Train to the end, and write the curves and the checkpoint."""
    unfinished = _unfinished_path(out_dir)
    params, distributed, context = trainer.params, trainer.distributed, trainer.context
    if distributed.rank == 0:
        make_folder(out_dir)
    state = (trainer.resume(unfinished) if resume else None) or trainer.begin()
    if params.colour and distributed.rank == 0:
        for note in source_bias.notes(trainer.train, trainer.config.classes):
            warn(note)
    distributed.wait()  # until every process has read the unfinished state that the first process replaces
    with curves(out_dir / "live", state, distributed) as log:
        while state.epoch < params.epochs and not should_stop(state, params):
            log(trainer.epoch(state))
            if distributed.rank == 0:
                resuming.save(unfinished, state, context.classifier, context.optimizer)
    if distributed.rank == 0:
        best = replace(trainer.config, epoch=state.best["epoch"], validation=state.best)
        checkpoints.save(out_dir / CHECKPOINT, state.best_weights, best)  # an earlier checkpoint stays until here
        remove_output(unfinished)
    return state.best


def _unfinished_path(out_dir: Path) -> Path:
    """Return the file that holds the state of an unfinished run."""
    return out_dir / "unfinished.safetensors"


@contextmanager
def _locked(folder: Path, distributed: DistributedContext) -> Iterator[None]:
    """Hold the lock on the output folder, in the first process for all processes."""
    with locked(folder) if distributed.rank == 0 else nullcontext():
        yield


@contextmanager
def friendly_errors(params: Train, faces: ShardSet) -> Iterator[None]:
    """Turn the errors that stop a training into one sentence that names the fix.

    Args:
        params: Its ``compile`` decides whether errors of PyTorch's compiler are reworded.
        faces: Gives the ids of the faces on which the loss is not finite.

    Raises:
        InputError: If the loss is not finite, or PyTorch cannot compile the classifier.
    """
    try:
        yield
    except DivergedError as diverged:
        ids = ", ".join(faces.column("id")[diverged.rows])
        raise InputError(f"the loss is {diverged.loss} on the faces {ids}: lower train.learning_rate") from None
    except RuntimeError as error:
        if not (params.compile and type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))):
            raise
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"train.compile: PyTorch cannot compile this classifier ({reason}): set it to false") from error


@torch.no_grad()
def _check_maps(classifier: Classifier, params: Train, distributed: DistributedContext) -> None:
    """Raise InputError if a guided map has a single cell. Its cosine is constant, so guidance would have no effect."""
    guidance = Guidance.of_params(params)
    output = classifier.eval()(torch.zeros(1, 3, params.input_size, params.input_size, device=distributed.device))
    guided = {f"layer {layer}": output.layers[layer - 1][0, 0] for layer in guidance.layers}
    if guidance.cam and output.maps is not None:
        guided["the class map"] = output.maps[0, 0]
    for name, cells in guided.items():
        if cells.numel() == 1:
            raise InputError(
                f"{name} is 1 x 1 for inputs of {params.input_size} pixels and cannot be guided: "
                "raise train.input_size or set train.large_maps"
            )


@contextmanager
def _deterministic(distributed: DistributedContext) -> Iterator[None]:
    """On a CPU, make the same seed give the same curve.

    PyTorch's deterministic mode fills new memory. Nothing reads this memory before it is written, and filling it takes a
    seventh of the time: it is turned off.
    """
    memory: Any = torch.utils.deterministic  # the setting belongs to the module's class, where type checkers do not look
    before = torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(distributed.device.type == "cpu")
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        memory.fill_uninitialized_memory = before[1]
