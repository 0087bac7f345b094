"""The state of an unfinished training: one safetensors file, rewritten after every epoch, from which a killed run continues.

Tensors are named ``model.*``, ``best.*`` (the weights of the best epoch so far) and ``optimizer.<number>.*``. The header
holds the rest as JSON. No state of a random generator is stored: all randomness of an epoch is derived from the seed and the
number of the epoch.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import json_digest, source_digest
from train.models.checkpoint import Config, check_permission, load_config, write_tensors

WITHOUT_TRACE = ("workers", "cache_megabytes")  # parameters that change no bit of the result


EpochMetrics = dict[str, dict[str, float]]  # split -> metric -> value


@dataclass
class State:
    """The progress of a training."""

    run: str  # digest of everything that decides the result: see run_digest
    epoch: int = 0  # number of finished epochs
    step: int = 0  # number of finished steps
    history: list[EpochMetrics] = field(default_factory=list)  # of each finished epoch
    best: dict[str, Any] = field(default_factory=dict)  # metrics of the best epoch, and its number (``epoch``, from 1)
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def run_digest(config: Config, model: nn.Module, device: torch.device, rooms: tuple[str, ...]) -> str:
    """Digest everything that decides the result of a run, the initial weights of the network included.

    Args:
        config: The config of the run, before its first epoch.
        model: The network before its first step.
        device: The device of the training. Only its kind counts.
        rooms: The code that decides the result, as ``cache.source_digest`` takes it.

    Returns:
        SHA-256 as hexadecimal text.
    """
    weights = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        weights.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    settings = {name: value for name, value in config.train.items() if name not in WITHOUT_TRACE}
    versions = [device.type, torch.__version__, source_digest(rooms)]
    return json_digest({**vars(config), "train": settings}, weights.hexdigest(), versions)


def finished_metrics(checkpoint: Path, run: str) -> dict[str, float] | None:
    """Return the metrics of the best epoch if the checkpoint is the result of this run, and else None.

    Args:
        checkpoint: File of a checkpoint; it need not exist.
        run: The digest of the run.
    """
    try:
        config = load_config(checkpoint)
    except InputError:
        return None
    return config.validation if config.run == run else None


def save(path: Path, state: State, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Replace the file at ``path`` with the state of a run after an epoch.

    Args:
        path: File to write.
        state: Progress, and the best weights so far.
        model: The network.
        optimizer: Its tensors are stored. Its learning rates are not: they follow from the number of the step.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items() if value is not None}
    header = {name: value for name, value in asdict(state).items() if name != "best_weights"}
    # safetensors refuses tensors that are not contiguous or that share memory.
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_tensors(path, tensors, {"state": json.dumps(header)})


def load(path: Path, run: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> State | None:
    """Read the state of a run into the network and the optimiser.

    Args:
        path: File that ``save`` wrote; it need not exist.
        run: The digest of the run.
        model: The network, which is changed.
        optimizer: The optimiser of the network, which is changed.

    Returns:
        The progress of the run. None, with nothing changed, if there is no file, or it is damaged or of another run.
    """
    if not path.is_file():
        return None
    check_permission(path)
    try:
        with safe_open(path, framework="pt") as file:
            state = State(**json.loads(file.metadata()["state"]))
            if state.run != run:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is not a mapping)
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None  # the file is damaged: to start again costs time and gives the same result
    model.load_state_dict(_under("model.", tensors))
    state.best_weights = _under("best.", tensors)
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer.", tensors).items():
        number, _, slot = name.partition(".")
        values.setdefault(int(number), {})[slot] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": values})
    return state


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Select the tensors whose names start with the prefix, and remove it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
