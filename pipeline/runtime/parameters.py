"""params.yaml as one frozen, typed object per block. Unknown keys, wrong types and out-of-range values are errors.

The comment beside each value in params.yaml says what it means; the limits are here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.runtime.errors import InputError
from pipeline.runtime.yaml_files import describe, load_yaml

Fraction = Annotated[float, Field(ge=0, lt=1)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
FORMER_DEMO = "pipeline/datasets/demo"
Sides = Annotated[tuple[Annotated[int, Field(ge=64, le=4096)], ...], Field(strict=False, min_length=1, max_length=16)]


class Renamed(NamedTuple):
    """The present name of a parameter, and what its former values mean under that name."""

    name: str
    convert: Callable[[object], object] = lambda value: value


class Block(BaseModel):
    """A block of params.yaml. Former names of its parameters are read for one more version."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, Renamed]] = {}  # former name -> present name

    @model_validator(mode="before")
    @classmethod
    def _present_names(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        present = {name: value for name, value in values.items() if name not in cls.renamed}
        for name in values.keys() & cls.renamed.keys():
            new, convert = cls.renamed[name]
            if new in values:
                raise ValueError(f"{name} is the former name of {new}, which is there too: remove {name}")
            present[new] = convert(values[name])
        return present


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


def _moved_demo(root: object) -> object:
    """The demo's tables were elsewhere in an earlier version."""
    return "pipeline/ingest/demo" if root == FORMER_DEMO else root


class Ingest(Block):
    dataset: Literal["demo", "folder", "csv", "rafdb", "affectnet", "ferplus"]
    root: Annotated[str, BeforeValidator(_moved_demo)]
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
    renamed = {"sides": Renamed("search_sizes"), "mmod_sides": Renamed("mmod_search_sizes")}

    detector: Literal["hog", "mmod", "hog_then_mmod"]
    search_sizes: Sides
    mmod_search_sizes: Sides
    padding: Annotated[float, Field(ge=0, le=1)]
    on_multiple: Literal["largest", "central", "score", "fail"]
    fallback: Literal["image", "none"]


def _refinements(looks: object) -> object:
    """Of so many predictions all but the first are refinements."""
    return looks - 1 if type(looks) is int else looks


class Landmarks(Block):
    renamed = {"looks": Renamed("max_refinements", _refinements)}

    predictor: str | None
    max_refinements: Annotated[int, Field(ge=0, le=15)]
    crop_size: Annotated[int, Field(ge=64, le=1024)]
    encoding: Literal["jpeg", "raw"]
    jpeg_quality: Annotated[int, Field(ge=50, le=100)]


class Heatmaps(Block):
    codebook: str
    size: Annotated[int, Field(ge=4, le=1024)]
    per_class: bool


class Augment(Block):
    renamed = {
        "scale": Renamed("min_crop_area"),
        **{name: Renamed(f"{name}_probability") for name in ("flip", "jitter", "grey", "erase")},
    }

    rotation: Annotated[float, Field(ge=0, le=180)]
    min_crop_area: Annotated[float, Field(gt=0, le=1)]
    flip_probability: Annotated[float, Field(ge=0, le=1)]
    jitter_probability: Annotated[float, Field(ge=0, le=1)]
    grey_probability: Annotated[float, Field(ge=0, le=1)]
    erase_probability: Annotated[float, Field(ge=0, le=1)]


class Guidance(NamedTuple):
    """What guides a training: the one place where it is decided. Weights are 0 for what does not."""

    attention: float  # weight of the alignment loss of layer-wise attention (lambda)
    cam: float  # weight of the alignment loss of the true class's map (cam_lambda)
    layers: tuple[int, ...]  # whose attention is guided; none where the weight is 0

    @classmethod
    def of(cls, align: Collection[str], attention: float, cam: float, layers: Iterable[int]) -> "Guidance":
        """From parameters of the train block: align, lambda, cam_lambda and layers."""
        attention = attention if "attention" in align else 0.0
        return cls(attention, cam if "cam" in align else 0.0, tuple(sorted(layers)) if attention > 0 else ())

    def __bool__(self) -> bool:
        return self.attention > 0 or self.cam > 0

    @property
    def align(self) -> tuple[str, ...]:
        """The kinds of maps that are guided: attention, cam, both or none."""
        return tuple(name for name in ("attention", "cam") if getattr(self, name) > 0)


class Train(Block):
    renamed = {"memory": Renamed("cache_megabytes"), "clip": Renamed("max_grad_norm")}

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
    max_grad_norm: Annotated[float, Field(ge=0)]
    label_smoothing: Fraction
    class_weights: Literal["none", "balanced"]
    sampling: Literal["natural", "balanced"]
    device: Device
    amp: bool
    compile: bool
    workers: Annotated[int, Field(ge=0, le=64)] | Literal["auto"]
    cache_megabytes: Annotated[int, Field(ge=0)]
    augment: Augment

    @property
    def guidance(self) -> Guidance:
        """What guides the training."""
        return Guidance.of(self.align, self.lambda_, self.cam_lambda, self.layers)

    def unguided(self) -> "Train":
        """The same training without any guidance: the baseline."""
        return self.model_copy(update={"align": ()})

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
    renamed = {"faces": Renamed("gallery_size")}

    gallery_size: Annotated[int, Field(ge=0, le=200)]


class Params(Block):
    """The whole of params.yaml."""

    base: Base
    ingest: Ingest
    detect: Detect
    landmarks: Landmarks
    heatmaps: Heatmaps
    train: Train
    evaluate: Evaluate
    report: Report


def load(path: Path) -> Params:
    """Read and check params.yaml, and say on stderr which parameters have another name now.

    Raises:
        InputError: If the file is missing or broken, or values are wrong; all mistakes are listed in one line.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist: run this in the folder of the project, or name the file with --params")
    content = load_yaml(path)
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from error
    for former, present in _former_names(Params, content):
        click.echo(f"{path}: {former} is called {present} now: rename it (the next version will refuse {former})", err=True)
    if content["ingest"]["root"] == FORMER_DEMO:
        click.echo(f"{path}: ingest.root {FORMER_DEMO} is {params.ingest.root} now: change it", err=True)
    return params


def _former_names(block: type[Block], content: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Former and present name, with a note on changed values, of everything in a block that has been renamed."""
    for name, value in content.items():
        kind = block.model_fields[name].annotation if name in block.model_fields else None
        if name in block.renamed:
            new, convert = block.renamed[name]
            changed = "" if convert(value) == value else f" (and has the value {convert(value)})"
            yield f"{prefix}{name}", f"{prefix}{new}{changed}"
        elif isinstance(kind, type) and issubclass(kind, Block) and isinstance(value, dict):
            yield from _former_names(kind, value, f"{prefix}{name}.")
