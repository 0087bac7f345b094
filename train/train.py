"""Stage train: faces and heatmaps in, the best epoch's checkpoint and the curves out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from dvclive import Live

from pipeline.errors import InputError
from pipeline.files import locked
from pipeline.params import Base, Train
from pipeline.shards import ShardSet
from train import colour, engine, model, recipe, resume
from train.data import Faces, classes_of, open_shards
from train.distributed import Group, group
from train.training import Training


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
            processes.say(f"{checkpoint} is what this run ends with: nothing to do")
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
        if params.colour and processes.rank == 0:
            for note in colour.notes(train, classes):
                processes.say(note)
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
