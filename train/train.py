"""Stage train: faces and heatmaps in, the best epoch's checkpoint and the curves out."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from dvclive import Live
from torch import Tensor

from pipeline.errors import InputError
from pipeline.params import Base, Train
from pipeline.progress import progress
from train import engine, model
from train.augment import whole_view
from train.data import Batch, Faces, classes_of, loader, open_shards

CALIBRATION_BATCHES = 8
WARM_UP = 0.2  # share of the steps in which the learning rate rises to its peak


def main(base: Base, params: Train, variant: str, faces_dir: Path, heatmaps_dir: Path, out_dir: Path) -> dict[str, float]:
    """Train one variant and write ``model.safetensors`` of the epoch with the best validation accuracy (of equals, the
    one with the lower cross-entropy) and dvclive's curves under ``live``; returns that epoch's validation metrics.

    The variant "baseline" is the same run with lambda 0. The checkpoint is written last.
    """
    if variant == "baseline":
        params = params.model_copy(update={"lambda_": 0.0})
    torch.manual_seed(base.seed)
    generator = torch.Generator().manual_seed(base.seed)
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    classes = classes_of(faces)
    train, validation = (Faces(faces, heatmaps, split, classes) for split in ("train", "validation"))
    settings = params.model_dump(mode="json", by_alias=True)
    config = model.Config(variant, 0, classes, settings, base.seed, faces.stamp, heatmaps.stamp)
    classifier = model.build(config)
    _check_layers(classifier, params)
    checkpoint = out_dir / "model.safetensors"
    checkpoint.unlink(missing_ok=True)
    best: dict[str, float] = {}
    with _deterministic(), Live(str(out_dir / "live"), dvcyaml=None, report=None, save_dvc_exp=False) as live:
        batches = loader(train, params.batch_size, generator)
        engine.calibrate(classifier.backbone, _views(islice(batches, CALIBRATION_BATCHES), params.input_size))
        optimizer, schedule = _optimizer(classifier, params, steps=params.epochs * len(batches))
        for epoch in range(1, params.epochs + 1):
            shown = progress(batches, total=len(batches), title=f"{variant} {epoch}/{params.epochs}", unit="batches")
            trained = engine.train_epoch(classifier, shown, params, optimizer, schedule, generator)
            validated = engine.validate(classifier, loader(validation, params.batch_size), params, len(classes))
            if not math.isfinite(validated["cross_entropy"]):
                raise InputError(f"the validation loss of epoch {epoch} is not finite: lower train.learning_rate")
            for split, metrics in (("train", trained), ("validation", validated)):
                for name, value in metrics.items():
                    live.log_metric(f"{split}/{name}", value)
            live.next_step()
            if not best or _rank(validated) > _rank(best):
                best = {"epoch": epoch, **validated}
                state = {name: value.clone() for name, value in classifier.state_dict().items()}
        live.summary["best"] = best
        live.make_summary()
    model.save(checkpoint, state, replace(config, epoch=best["epoch"]))
    return best


def _optimizer(
    classifier: model.Classifier, params: Train, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW, its rates rising linearly to their peak and falling to zero along a cosine over ``steps`` steps."""
    groups = [
        {"params": classifier.backbone.parameters(), "lr": params.learning_rate},
        {"params": classifier.head.parameters(), "lr": params.head_learning_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=params.weight_decay)
    warm_up = max(1, round(WARM_UP * steps))

    def share_of_peak(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share_of_peak)


@torch.no_grad()
def _check_layers(classifier: model.Classifier, params: Train) -> None:
    """A map of one cell has a cosine of 1 with everything: guiding it would do nothing, silently."""
    features = classifier.eval()(torch.zeros(1, 3, params.input_size, params.input_size))[1]
    for layer in params.layers if params.lambda_ else ():
        if features[layer - 1][0, 0].numel() == 1:
            raise InputError(
                f"layer {layer} is 1 x 1 for inputs of {params.input_size} pixels and cannot be guided: "
                "raise train.input_size or set train.large_maps"
            )


def _rank(metrics: dict[str, float]) -> tuple[float, float]:
    return metrics["accuracy"], -metrics["cross_entropy"]


def _views(batches: Iterator[Batch], size: int) -> Iterator[Tensor]:
    for batch in batches:
        yield whole_view(batch, size)[0].contiguous(memory_format=torch.channels_last)


@contextmanager
def _deterministic() -> Iterator[None]:
    """The same curve for the same seed. New memory is left unfilled: nothing reads it, and to fill it is a seventh of the
    time."""
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]
