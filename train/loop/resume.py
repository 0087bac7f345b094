"""What a killed training needs to go on where it was: one safetensors file, rewritten after every epoch.

Tensors are named ``model.*``, ``best.*`` (the weights of the best epoch so far) and ``optimizer.<number>.*``; the header
holds the rest as JSON. All chance of an epoch comes from the seed and the epoch's number, so that nothing of it is stored.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.runtime.cache import json_digest, source_digest
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic
from train.models.checkpoint import Config, load_config

WITHOUT_TRACE = ("workers", "cache_megabytes")  # parameters that change no bit of the result


@dataclass
class State:
    """How far a training has come."""

    run: str  # the digest of all that decides the result
    epoch: int = 0  # finished, from 1
    step: int = 0  # finished
    history: list[dict] = field(default_factory=list)  # per epoch: split -> metric -> value
    best: dict = field(default_factory=dict)  # metrics of the best epoch, and its number
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def run_digest(config: Config, model: nn.Module, device: torch.device, rooms: tuple[str, ...]) -> str:
    """Digest everything that decides how a run ends, the network's first weights included.

    Args:
        config: The config of the run, before its first epoch.
        model: The network before its first step.
        device: Where it trains.
        rooms: The code that decides the result, as ``cache.source_digest`` takes it.
    """
    weights = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        weights.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    settings = {name: value for name, value in config.train.items() if name not in WITHOUT_TRACE}
    versions = [device.type, torch.__version__, source_digest(rooms)]
    return json_digest({**vars(config), "train": settings}, weights.hexdigest(), versions)


def finished_metrics(checkpoint: Path, run: str) -> dict[str, float] | None:
    """The best epoch's metrics, if the checkpoint is what this run ends with."""
    try:
        config = load_config(checkpoint)
    except InputError:
        return None
    return config.validation if config.run == run else None


def save(path: Path, state: State, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Replace the file at ``path``."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items() if value is not None}
    header = {name: value for name, value in asdict(state).items() if name != "best_weights"}
    # Each contiguous and of its own: shared memory is refused.
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(header)})


def load(path: Path, run: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> State | None:
    """Fill ``model`` and ``optimizer`` from the file; None, and nothing changed, if there is none of this ``run``."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = State(**json.loads(file.metadata()["state"]))
            if state.run != run:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None  # damaged: a training that starts anew is slower, not wrong
    model.load_state_dict(_under("model.", tensors))
    state.best_weights = _under("best.", tensors)
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer.", tensors).items():
        number, _, key = name.partition(".")
        values.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": values})
    return state


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
