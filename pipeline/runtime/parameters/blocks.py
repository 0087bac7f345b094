"""params.yaml as one frozen, typed object per block. Unknown names, wrong types and values out of range are errors.

The comment beside each value in params.yaml says what the value means; its limits are here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator

from pipeline.runtime.errors import InputError
from pipeline.runtime.messages import warn
from pipeline.runtime.parameters.block import Block, Renamed, dotted_names, former_names
from pipeline.runtime.user_paths import expand
from pipeline.runtime.yaml_files import describe, load_yaml

Fraction = Annotated[float, Field(ge=0, lt=1)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
SearchSizes = Annotated[tuple[Annotated[int, Field(ge=64, le=4096)], ...], Field(strict=False, min_length=1, max_length=16)]
UserPath = Annotated[str, AfterValidator(expand)]
DEMO_ROOT, FORMER_DEMO_ROOT = "pipeline/ingest/demo", "pipeline/datasets/demo"


class Base(Block):
    """The block ``base``: parameters that several stages share."""

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
    """Return the present folder of the demo's tables for the folder of an earlier version."""
    return DEMO_ROOT if root == FORMER_DEMO_ROOT else root


def _names_as_text(rename: object) -> object:
    """Take numbers as text, since folders and labels may be numbers."""
    if not isinstance(rename, Mapping):
        return {} if rename is None else rename
    return {_number_as_text(name): _number_as_text(label) for name, label in rename.items()}


def _number_as_text(value: object) -> object:
    return str(value) if type(value) in (int, float) else value


class Ingest(Block):
    """The block ``ingest``: the dataset, its labels and its splits."""

    dataset: Literal["demo", "folder", "csv", "rafdb", "affectnet", "ferplus"]
    root: Annotated[UserPath, BeforeValidator(_moved_demo)]
    labels: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    rename: Annotated[dict[str, str | None], BeforeValidator(_names_as_text)] = Field(default_factory=dict)
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
    """The block ``detect``: the search for a face in each photo."""

    renamed: ClassVar[Mapping[str, Renamed]] = {"sides": Renamed("search_sizes"), "mmod_sides": Renamed("mmod_search_sizes")}

    detector: Literal["hog", "mmod", "hog_then_mmod"]
    search_sizes: SearchSizes
    mmod_search_sizes: SearchSizes
    padding: Annotated[float, Field(ge=0, le=1)]
    on_multiple: Literal["largest", "central", "score", "fail"]
    fallback: Literal["image", "none"]


def _refinements(predictions: object) -> object:
    """Convert a number of predictions: all but the first are refinements."""
    return predictions - 1 if type(predictions) is int else predictions


class Landmarks(Block):
    """The block ``landmarks``: the landmarks of each face, and its aligned crop."""

    renamed: ClassVar[Mapping[str, Renamed]] = {"looks": Renamed("max_refinements", _refinements)}

    predictor: UserPath | None
    max_refinements: Annotated[int, Field(ge=0, le=15)]
    crop_size: Annotated[int, Field(ge=64, le=1024)]
    encoding: Literal["jpeg", "raw"]
    jpeg_quality: Annotated[int, Field(ge=50, le=100)]


class Heatmaps(Block):
    """The block ``heatmaps``: the rendering of action-unit heatmaps."""

    codebook: UserPath
    size: Annotated[int, Field(ge=4, le=1024)]
    per_class: bool


class Augment(Block):
    """The block ``train.augment``: the random changes of training images."""

    renamed: ClassVar[Mapping[str, Renamed]] = {
        "scale": Renamed("min_crop_area"),
        **{name: Renamed(f"{name}_probability") for name in ("flip", "jitter", "grey", "erase")},
    }

    rotation: Annotated[float, Field(ge=0, le=180)]
    min_crop_area: Annotated[float, Field(gt=0, le=1)]
    flip_probability: Annotated[float, Field(ge=0, le=1)]
    jitter_probability: Annotated[float, Field(ge=0, le=1)]
    grey_probability: Annotated[float, Field(ge=0, le=1)]
    erase_probability: Annotated[float, Field(ge=0, le=1)]


class Train(Block):
    """The block ``train``: the classifier and its training."""

    renamed: ClassVar[Mapping[str, Renamed]] = {"memory": Renamed("cache_megabytes"), "clip": Renamed("max_grad_norm")}

    backbone: str
    weights: Literal["pretrained", "none"]
    method: Literal["cam", "wildcat", "acol", "prm", "adl", "cutmix", "tscam", "apvit"]
    input_size: Annotated[int, Field(ge=64, le=1024)]
    large_maps: bool
    colour: bool
    align: tuple[Literal["attention", "cam", "evidence"], ...]
    layers: tuple[int, ...]
    lambda_: Annotated[float, Field(alias="lambda", ge=0)]
    cam_lambda: Annotated[float, Field(ge=0)]
    evidence_share: Annotated[float, Field(ge=0, le=1)] = 0.5  # files of an earlier version lack it
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

    def unguided(self) -> "Train":
        """Return the same parameters without any guidance: those of the baseline."""
        return self.model_copy(update={"align": ()})

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        if value == "dlib_resnet":
            return value
        if value.removeprefix("hf:") not in ("", value):
            return "hf:" + expand(value.removeprefix("hf:"))
        raise ValueError("must be dlib_resnet or hf:NAME, as hf:microsoft/resnet-50")

    @field_validator("align", mode="before")
    @classmethod
    def _distinct_aligned(cls, value: object) -> tuple[str, ...]:
        known = {"attention", "cam", "evidence"}
        if isinstance(value, list | tuple) and set(value) <= known and len(set(value)) == len(value):
            return tuple(value)
        raise ValueError("must be a list of attention, cam and evidence, or of some of them, as [attention, cam]")

    @field_validator("layers", mode="before")
    @classmethod
    def _distinct_layers(cls, value: object) -> tuple[int, ...]:
        layers = tuple(value) if isinstance(value, list | tuple) else ()
        if layers and all(type(layer) is int and 1 <= layer <= 5 for layer in layers) and len(set(layers)) == len(layers):
            return layers
        raise ValueError("must be a list of one or more different layers from 1 to 5, as [5]")


class Evaluate(Block):
    """The block ``evaluate``: the evaluation of the trained classifiers."""

    batch_size: Count
    device: Device
    insertion_steps: Annotated[int, Field(ge=0, le=256)]
    donors: Annotated[int, Field(ge=0, le=16)] = 1  # files of an earlier version lack it
    untrained_labels: Literal["refuse", "count", "exclude"] = "refuse"  # files of an earlier version lack it


class Report(Block):
    """The block ``report``: the HTML report."""

    renamed: ClassVar[Mapping[str, Renamed]] = {"faces": Renamed("gallery_size")}

    gallery_size: Annotated[int, Field(ge=0, le=200)]


class Params(Block):
    """All blocks of params.yaml."""

    base: Base
    ingest: Ingest
    detect: Detect
    landmarks: Landmarks
    heatmaps: Heatmaps
    train: Train
    evaluate: Evaluate
    report: Report


def load(path: Path) -> Params:
    """Read and check params.yaml, and report on stderr the parameters that have another name now.

    Raises:
        InputError: If the file is missing or broken, or if values are wrong. One line lists all mistakes.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist: run this in the folder of the project, or name the file with --params")
    content = load_yaml(path)
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error, [*dotted_names(Params)])}") from error
    for former, present in former_names(Params, content):
        warn(f"{path}: {former} is now called {present}: rename it (the next version will refuse {former})")
    if content["ingest"]["root"] == FORMER_DEMO_ROOT:
        warn(f"{path}: ingest.root {FORMER_DEMO_ROOT} is now {params.ingest.root}: change it")
    return params
