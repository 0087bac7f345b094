"""A trained classifier as one safetensors file: its weights and, in the header, the configuration that rebuilds it."""

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
from pipeline.runtime.file_errors import system_error
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.parameters import Train
from pipeline.runtime.yaml_files import describe
from train.models.classifier import Classifier


@dataclass(frozen=True)
class Config:
    """Everything that rebuilds a trained classifier and says where it came from. The header of a checkpoint holds it."""

    variant: str
    epoch: int  # of the weights, from 1
    classes: tuple[str, ...]
    train: dict  # the train block of params.yaml that it was trained with, as JSON
    seed: int
    faces: dict  # provenance of the face shards
    heatmaps: dict  # provenance of the heatmap shards
    backbone: dict = field(default_factory=dict)  # Backbone.description(), for a backbone that its name does not define
    run: str = ""  # digest of everything that decided the weights
    validation: dict = field(default_factory=dict)  # metrics of that epoch


def build(config: Config, pretrained: bool = True) -> Classifier:
    """Build a fresh classifier in the channels-last layout, which is faster on CPUs and GPUs alike.

    Args:
        config: Its ``train``, ``classes`` and ``backbone`` decide the classifier.
        pretrained: False leaves out the pretrained weights even where ``config.train`` asks for them.
    """
    model = Classifier(Train.model_validate(config.train), len(config.classes), pretrained, config.backbone or None)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's stubs lack this keyword
    return model


def save(path: Path, state: dict[str, Tensor], config: Config) -> None:
    """Write the weights ``state`` as safetensors, with the config as JSON in the header."""
    state = {name: value.contiguous() for name, value in state.items()}
    write_tensors(path, state, {"config": json.dumps(vars(config), sort_keys=True)})


def write_tensors(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    """Write a safetensors file atomically.

    Raises:
        OSError: If it cannot be written, for example on a full disk; the error names ``path``.
    """
    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=header)
        except SafetensorError as error:
            raise system_error(error) or error from None


def refuse_foreign(path: Path) -> None:
    """Raise InputError if a training would replace the weights that another tool wrote under the same name."""
    if not path.is_file():
        return
    check_permission(path)
    try:
        with safe_open(path, framework="pt") as file:
            is_ours = (file.metadata() or {}).keys() & {"config", "state"}
    except SafetensorError:  # a damaged file, if it begins as its format does: with a length and a JSON object
        with path.open("rb") as stream:
            is_ours = stream.read(9)[8:] in (b"", b"{")
    if not is_ours:
        raise InputError(f"{path} holds weights that aucue did not write, and would be lost: name another folder with --out")


def load(path: Path) -> tuple[Classifier, Config]:
    """Read a checkpoint that ``save`` wrote.

    Returns:
        The classifier in evaluation mode, and its config. The config's ``train`` has the present names of the parameters,
        whichever version wrote the file.

    Raises:
        InputError: If the file is missing, damaged, or not a finished checkpoint, or if its backbone cannot be built here.
    """
    with _open(path) as file:
        config = _config(path, file)
        model = build(config, pretrained=False)
        model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no mapping)
    return model.eval(), config


def load_config(path: Path) -> Config:
    """Read the config of a checkpoint without its weights. Raises InputError as ``load`` does."""
    with _open(path) as file:
        return _config(path, file)


def _config(path: Path, file: safe_open) -> Config:
    """The config in the header; parameters that an earlier version named differently get their present names."""
    header = file.metadata() or {}
    if "config" not in header and "state" not in header:
        raise InputError(f"{path} holds weights of another program: name a model.safetensors that `aucue train` wrote")
    if "state" in header:
        raise InputError(f"{path} holds a training that has not ended: continue it with `{_command(path)} --resume`")
    content = json.loads(header["config"])
    train = Train.model_validate(content["train"]).model_dump(mode="json", by_alias=True)
    return Config(**{**content, "classes": tuple(content["classes"]), "train": train})


@contextmanager
def _open(path: Path) -> Iterator[safe_open]:
    """The open file. Every error that shows that it is not a checkpoint becomes an InputError."""
    if not path.is_file():
        missing = "does not exist: run `{}` first, or give its path"
        problem = "is a folder: name the model.safetensors in it" if path.is_dir() else missing
        raise InputError(f"{path} {problem.format(_command(path))}")
    check_permission(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except InputError:
        raise  # the checkpoint is sound, but something that it needs is missing here
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = describe(error) if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise InputError(f"{path} is not a checkpoint of this version ({reason}): run `{_command(path)}` again") from error


def check_permission(path: Path) -> None:
    """Raise OSError if the file cannot be opened: safetensors would say that there is no file."""
    path.open("rb").close()


def _command(path: Path) -> str:
    """The command that writes the checkpoint: by default, each variant has a folder with its name."""
    return "aucue train --variant baseline" if path.parent.name == "baseline" else "aucue train"
