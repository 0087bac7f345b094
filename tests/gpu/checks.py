"""Checks of training on a GPU: ``bash tests/gpu/run.sh`` runs them all, in less than eight minutes.

float32    The losses of one epoch are those of the CPU, to 1e-4.
bfloat16   The same with train.amp, to 1e-2.
resume     A training that goes on after its first epoch gets the second epoch of an undisturbed one.
compile    The losses of one epoch with train.compile are those without.
waits      No step of any method makes the host wait.
benchmark  ``aucue bench train --device cuda``, with the aims beside its figures.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import torch

from pipeline.runtime import parameters
from pipeline.runtime.parameters import Params
from tests.gpu.shards import write_set
from train.bench import benchmark
from train.bench.host_waits import waits_of_a_step
from train.bench.recipes import recipe_for
from train.bench.steps import TrainingSteps
from train.data.dataset import Faces, open_shards, training_classes
from train.data.loading import BatchLoader, on_device
from train.loop import resume
from train.loop.distributed import DistributedContext
from train.loop.trainer import Trainer, find_swaps
from train.models import checkpoint as checkpoints
from train.models.methods import METHODS

REPOSITORY = Path(__file__).parents[2]
SMALL = {  # at ten times these rates, two ways to convolve on one CPU differ by more than 1e-4 after six steps
    "input_size": 64,
    "batch_size": 16,
    "epochs": 2,
    "weights": "none",
    "align": ("attention", "cam", "evidence"),
    "optimizer": "sgd",
    "learning_rate": 2e-4,
    "head_learning_rate": 2e-4,
    "workers": 2,
}
AIMS = {  # figure of the benchmark's ratios or arithmetic -> whether its value is as good as hoped
    "guided_step_of_a_baseline_step": lambda value: value <= 1.03,
    "from_shards_of_fixed_tensors_later_epochs": lambda value: value >= 0.95,
    "share_of_a_matrix_product": lambda value: value >= 0.45,
}


class Different(AssertionError):
    """Two figures that should be the same are not."""


def small(**changes: object) -> Params:
    """Return parameters of a short training."""
    params = parameters.load(REPOSITORY / "params.yaml")
    return params.model_copy(update={"train": params.train.model_copy(update={**SMALL, **changes})})


def trainer_of(params: Params, data: Path, device: torch.device) -> Trainer:
    """Return a new training of the small set on a device."""
    shards = open_shards(data / "faces", data / "heatmaps")
    classes = training_classes(shards[0])
    train, validation = (Faces(*shards, split, classes) for split in ("train", "validation"))
    settings = params.train.model_dump(mode="json", by_alias=True)
    config = checkpoints.Config("guided", 0, classes, settings, params.base.seed, {}, {}, run="gpu")
    torch.manual_seed(0)
    classifier = checkpoints.build(config).to(device)
    return Trainer(classifier, params.train, train, validation, config, DistributedContext(0, 1, device))


def compare(expected: dict[str, float], found: dict[str, float], tolerance: float) -> None:
    """Raise Different if a loss differs by more than the tolerance, relative to the expected loss."""
    for name in ("cross_entropy", "alignment", "cam_alignment"):
        difference = abs(found[name] - expected[name]) / abs(expected[name])
        click.echo(f"  {name}: {expected[name]:.6f} and {found[name]:.6f}, difference {difference:.1e}")
        if not difference <= tolerance:
            raise Different(f"{name} is {found[name]} in place of {expected[name]}: more than {tolerance:g} apart")


def first_epoch(params: Params, data: Path, device: torch.device) -> dict[str, float]:
    """Return the training losses of the first epoch, in full float32 where amp is off: convolutions use TF32 otherwise."""
    trainer = trainer_of(params, data, device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return trainer.epoch(trainer.begin())["train"]


def check_losses(data: Path, device: torch.device, amp: bool, tolerance: float) -> None:
    """Compare the losses of an epoch on the CPU and on the device."""
    params = small(amp=amp)
    compare(first_epoch(params, data, torch.device("cpu")), first_epoch(params, data, device), tolerance)


def check_resume(data: Path, device: torch.device) -> None:
    """Compare the second epoch of a training that was stopped with that of an undisturbed one, for both optimisers."""
    for optimizer in ("sgd", "adamw"):
        params = small(optimizer=optimizer, learning_rate=1e-4)
        whole = trainer_of(params, data, device)
        state = whole.begin()
        whole.epoch(state)
        with tempfile.TemporaryDirectory() as folder:
            unfinished = Path(folder) / "unfinished.safetensors"
            resume.save(unfinished, state, whole.context.classifier, whole.context.optimizer)
            stopped = trainer_of(params, data, device)
            loaded = stopped.resume(unfinished)
        if loaded is None or loaded.epoch != 1:
            raise Different(f"the training with {optimizer} does not go on after its first epoch")
        compare(whole.epoch(state)["train"], stopped.epoch(loaded)["train"], 1e-3)


def check_compile(data: Path, device: torch.device) -> None:
    """Compare the losses of an epoch without and with train.compile."""
    compare(first_epoch(small(), data, device), first_epoch(small(compile=True), data, device), 1e-3)


def check_waits(data: Path, device: torch.device) -> None:
    """Count the waits of a step of every method that has a convolutional backbone."""
    shards = open_shards(data / "faces", data / "heatmaps")
    classes = training_classes(shards[0])
    train = Faces(*shards, "train", classes)
    pinned = next(iter(BatchLoader(train, [range(16)]))).pin_memory()
    for method in (name for name, kind in METHODS.items() if not kind.needs_attention):
        params = small(method=method, max_grad_norm=1.0, amp=True).train
        alone = DistributedContext(0, 1, device)
        run = TrainingSteps(params, "guided", classes, alone, 0, find_swaps(train, params, classes))
        waits = waits_of_a_step(lambda steps, run=run: run(on_device([pinned] * steps, device)))
        click.echo(f"  {method}: {sum(waits.values()):g}")
        if waits:
            raise Different(f"a step of {method} makes the host wait at {waits}")


def check_benchmark(data: Path, device: torch.device, out: Path = REPOSITORY / "data" / "bench" / "gpu.json") -> None:
    """Run the benchmark, and say which aims are met."""
    params = recipe_for(parameters.load(REPOSITORY / "params.yaml"), device.type)
    found = benchmark.main(params, data / "large" / "faces", data / "large" / "heatmaps", 8, out)
    figures = {**found["ratios"], **found["arithmetic"]}
    for name, is_met in AIMS.items():
        click.echo(
            f"  {name.replace('_', ' ')}: {figures[name]:.3f}, the aim is {'met' if is_met(figures[name]) else 'missed'}"
        )
    if found["host_waits"]["of_a_step"]:
        raise Different(f"a step makes the host wait: {found['host_waits']}")


CHECKS: dict[str, Callable[[Path, torch.device], None]] = {
    "float32": partial(check_losses, amp=False, tolerance=1e-4),
    "bfloat16": partial(check_losses, amp=True, tolerance=1e-2),
    "resume": check_resume,
    "waits": check_waits,
    "benchmark": check_benchmark,
    "compile": check_compile,  # last: it is the slowest
}


def write_data(folder: Path, large: int = 672) -> None:
    """Write the sets that the checks read: small crops, and crops of 256 pixels for the benchmark."""
    write_set(folder, 144, 80)
    write_set(folder / "large", large, 256)


def main() -> None:
    """Run all checks on the GPU. The exit code is 1 if one fails, or there is no GPU."""
    if not torch.cuda.is_available():
        sys.exit("Error: PyTorch finds no GPU here: run this on a machine that has one")
    failed = []
    with tempfile.TemporaryDirectory() as name:
        write_data(Path(name))
        for check, run in CHECKS.items():
            click.echo(f"{check}:")
            start = time.perf_counter()
            try:
                run(Path(name), torch.device("cuda"))
            except Exception as error:  # noqa: BLE001 (one failure must not hide the others)
                failed.append(check)
                click.echo(f"  FAILED: {type(error).__name__}: {error}")
            click.echo(f"  {time.perf_counter() - start:.0f} s")
    sys.exit(f"Error: failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
