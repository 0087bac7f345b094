"""A trained classifier as one safetensors file: its weights, and in the header all that rebuilds it and says where it is from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic
from pipeline.runtime.parameters import Train
from pipeline.runtime.yaml_files import describe
from train.models.classifier import Classifier


@dataclass(frozen=True)
class Config:
    """All that is needed to rebuild a trained classifier and to know where it came from."""

    variant: str
    epoch: int  # of the weights, from 1
    classes: tuple[str, ...]
    train: dict  # the params block it was trained with
    seed: int
    faces: dict  # stamps of the shards
    heatmaps: dict
    backbone: dict = field(default_factory=dict)  # what it is, where its name does not say it
    run: str = ""  # digest of all that decided the weights
    validation: dict = field(default_factory=dict)  # metrics of that epoch


def build(config: Config, pretrained: bool = True) -> Classifier:
    """A fresh classifier for the config; channels-last, which is faster on CPUs and GPUs alike."""
    model = Classifier(Train.model_validate(config.train), len(config.classes), pretrained, config.backbone or None)
    return model.to(memory_format=torch.channels_last)


def save(path: Path, state: dict[str, Tensor], config: Config) -> None:
    """Write a checkpoint: safetensors, with the config as JSON in its header."""
    state = {name: value.contiguous() for name, value in state.items()}
    with atomic(path) as temporary:
        save_file(state, temporary, metadata={"config": json.dumps(vars(config), sort_keys=True)})


def load(path: Path) -> tuple[Classifier, Config]:
    """Read a checkpoint that ``save`` wrote; the classifier is in evaluation mode."""
    with _reading(path) as file:
        config = _config(path, file)
        model = build(config, pretrained=False)
        model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no mapping)
    return model.eval(), config


def load_config(path: Path) -> Config:
    """The config alone of a checkpoint."""
    with _reading(path) as file:
        return _config(path, file)


def _config(path: Path, file: safe_open) -> Config:
    header = file.metadata()
    if "state" in header:
        raise InputError(f"{path} is of a training that has not ended: go on with `{_command(path)} --resume`")
    content = json.loads(header["config"])
    return Config(**{**content, "classes": tuple(content["classes"])})


@contextmanager
def _reading(path: Path) -> Iterator[safe_open]:
    """The open file; whatever shows that it is no checkpoint becomes an InputError."""
    if not path.is_file():
        what = (
            "is a folder: name its model.safetensors" if path.is_dir() else f"does not exist: run `{_command(path)}` first"
        )
        raise InputError(f"{path} {what}")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except InputError:
        raise  # the checkpoint is sound: what it needs is not here
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = describe(error) if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise InputError(f"{path} is not a checkpoint of this version ({reason}): run `{_command(path)}` again") from error


def _command(path: Path) -> str:
    """What writes a checkpoint: by default each variant has a folder of its name."""
    return "aucue train --variant baseline" if path.parent.name == "baseline" else "aucue train"
