"""params.yaml as one frozen, typed object per block. Unknown keys, wrong types and out-of-range values are errors.

The comment beside each value in params.yaml says what it means; the limits are here.
"""

import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import InputError

Fraction = Annotated[float, Field(ge=0, lt=1)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Sides = Annotated[tuple[Annotated[int, Field(ge=64, le=4096)], ...], Field(strict=False, min_length=1, max_length=16)]


EXPECTED = {  # pydantic's kinds of problem, in words for people
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of names to values",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "invalid_key": "must be a name: a colon and a space go before its value, a point into a number",
    "model_type": "must be a mapping of names to values",
    "string_type": "must be text",
    "tuple_type": "must be a list, as [48]",
}


class Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Base(Block):
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    workers: int | Literal["auto"]
    shard_size: Count

    @field_validator("workers", mode="before")
    @classmethod
    def _auto_or_a_number(cls, value: object) -> object:
        if value == "auto" or (type(value) is int and value >= 1):
            return value
        raise ValueError("must be auto, or a whole number of processes from 1")


class Ingest(Block):
    dataset: Literal["demo", "folder", "csv", "rafdb", "affectnet", "ferplus"]
    root: str
    labels: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    validation_fraction: Fraction
    test_fraction: Fraction
    images_per_class: Annotated[int, Field(ge=1, le=50)]
    drop_cross_split_duplicates: bool
    max_failed_fraction: Annotated[float, Field(ge=0, le=1)]

    @field_validator("labels")
    @classmethod
    def _named_once(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("must name each label once")
        return labels


class Detect(Block):
    detector: Literal["hog", "mmod", "hog_then_mmod"]
    sides: Sides
    mmod_sides: Sides
    padding: Annotated[float, Field(ge=0, le=1)]
    on_multiple: Literal["largest", "central", "score", "fail"]
    fallback: Literal["image", "none"]


class Landmarks(Block):
    predictor: str | None
    looks: Annotated[int, Field(ge=1, le=16)]
    crop_size: Annotated[int, Field(ge=64, le=1024)]
    encoding: Literal["jpeg", "raw"]
    jpeg_quality: Annotated[int, Field(ge=50, le=100)]


class Heatmaps(Block):
    codebook: str
    size: Annotated[int, Field(ge=4, le=1024)]
    per_class: bool


class Augment(Block):
    rotation: Annotated[float, Field(ge=0, le=180)]
    scale: Annotated[float, Field(gt=0, le=1)]
    flip: Annotated[float, Field(ge=0, le=1)]
    jitter: Annotated[float, Field(ge=0, le=1)]
    grey: Annotated[float, Field(ge=0, le=1)]
    erase: Annotated[float, Field(ge=0, le=1)]


class Train(Block):
    backbone: str
    weights: Literal["pretrained", "none"]
    method: Literal["cam", "wildcat", "acol", "prm", "adl", "cutmix", "tscam", "apvit"]
    input_size: Annotated[int, Field(ge=64, le=1024)]
    large_maps: bool
    colour: bool
    align: tuple[Literal["attention", "cam"], ...]
    layers: tuple[int, ...]
    lambda_: Annotated[float, Field(alias="lambda", ge=0)]
    cam_lambda: Annotated[float, Field(ge=0)]
    epochs: Count
    patience: Annotated[int, Field(ge=0)]
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: Literal["adamw", "sgd"]
    momentum: Fraction
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Literal["cosine", "step"]
    step_epochs: Count
    step_factor: Annotated[float, Field(gt=0, le=1)]
    clip: Annotated[float, Field(ge=0)]
    label_smoothing: Fraction
    class_weights: Literal["none", "balanced"]
    sampling: Literal["natural", "balanced"]
    device: Device
    amp: bool
    compile: bool
    workers: Annotated[int, Field(ge=0, le=64)] | Literal["auto"]
    memory: Annotated[int, Field(ge=0)]
    augment: Augment

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        if value == "dlib_resnet" or value.removeprefix("hf:") not in ("", value):
            return value
        raise ValueError("must be dlib_resnet or hf:NAME, as hf:microsoft/resnet-50")

    @field_validator("align", mode="before")
    @classmethod
    def _distinct_aligned(cls, value: object) -> tuple[str, ...]:
        if isinstance(value, list | tuple) and set(value) <= {"attention", "cam"} and len(set(value)) == len(value):
            return tuple(value)
        raise ValueError("must be a list of attention, cam, both or none, as [attention, cam]")

    @field_validator("layers", mode="before")
    @classmethod
    def _distinct_layers(cls, value: object) -> tuple[int, ...]:
        layers = tuple(value) if isinstance(value, list | tuple) else ()
        if layers and all(type(layer) is int and 1 <= layer <= 5 for layer in layers) and len(set(layers)) == len(layers):
            return layers
        raise ValueError("must be a list of one or more different layers from 1 to 5, as [5]")


class Evaluate(Block):
    batch_size: Count
    device: Device
    insertion_steps: Annotated[int, Field(ge=0, le=256)]


class Report(Block):
    faces: Annotated[int, Field(ge=0, le=200)]


class Params(Block):
    base: Base
    ingest: Ingest
    detect: Detect
    landmarks: Landmarks
    heatmaps: Heatmaps
    train: Train
    evaluate: Evaluate
    report: Report


def load_yaml(path: Path) -> dict:
    """A YAML mapping by the safe loader (YAML 1.2, duplicate keys refused)."""
    return parse_yaml(path, YAML(typ="safe", pure=True).load)


def parse_yaml(path: Path, parse: Callable[[str], object]) -> dict:
    """What ``parse`` makes of a YAML file. Raises InputError, in one line, if it is unreadable, broken or no mapping."""
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot read {path}: {reason}: give the path of a YAML file") from error
    except RecursionError:
        raise InputError(f"{path} is nested too deeply, or within itself: mend the YAML") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = (getattr(error, "problem", None) or str(error)).splitlines()[0]
        raise InputError(f"{path}{line}: {problem}: mend the YAML") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping of names to values, not {type(content).__name__}")
    return content


def load(path: Path) -> Params:
    """Read and check the whole file; every mistake is listed in one line."""
    if not path.exists():
        raise InputError(f"{path} does not exist: run this in the folder of the project, or name the file with --params")
    try:
        return Params.model_validate(load_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """All problems of a validation in one line."""
    return "; ".join(message for _, message in problems(error))


def problems(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """Every problem of a validation: its place, and where, what, and what was given as a sentence."""
    listed = []
    found = error.errors(include_url=False)
    for problem in found:
        place = problem["loc"]
        if any(other["loc"][: len(place)] == place != other["loc"] for other in found):
            continue  # a container that is wrong because of the item that is listed itself
        where = ".".join(str(part) for part in place)
        match problem["type"]:
            case "extra_forbidden":
                listed.append((place, f"{where} is not a known name: remove it or mend its spelling"))
            case "missing":
                listed.append((place, f"{where} is missing: add it"))
            case kind:
                message = EXPECTED.get(kind, problem["msg"].removeprefix("Value error, "))
                listed.append((place, f"{where} is {reprlib.repr(problem['input'])}: {message[0].lower()}{message[1:]}"))
    return listed
