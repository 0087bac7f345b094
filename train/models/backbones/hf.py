"""Builds backbones from models of Hugging Face transformers.

NAME of ``hf:NAME`` is a model of the hub, a folder with config.json (and safetensors weights), or a bare kind such as
``resnet``: its default configuration, with random weights only. No code beside a model's weights is run, and no pickle is
read.
"""

import json
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError

from pipeline.runtime.errors import InputError
from pipeline.runtime.quiet import quiet_libraries
from train.models.backbones.features import Backbone
from train.models.backbones.hf_auto import AutoFeatureMaps
from train.models.backbones.hf_cnn import KINDS as CNN_KINDS
from train.models.backbones.hf_cnn import StagedCnn
from train.models.backbones.hf_vit import KINDS as VIT_KINDS
from train.models.backbones.hf_vit import VisionTransformer, vary_last_norm

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
UNUSED = ("hidden_states_norms.", "pooler.", "mask_token")  # weights that none of the five layers uses
NOTES = ("id2label", "label2id", "_name_or_path", "architectures")  # entries of a configuration that have no effect here

# The classes of transformers and their attributes depend on the kind of model, and the package is optional: Any stands for
# its configurations and model classes.
Config = Any
ModelClass = Any


def build(name: str, large_maps: bool, pretrained: bool, description: dict | None = None) -> Backbone:
    """Build the backbone ``name``, "hf:" included; see ``backbones.build`` for the arguments.

    A description holds ``config``, the configuration as JSON, and the images' ``mean`` and ``std`` per channel.

    Raises:
        InputError: In one line, if there is no such model or its weights are not available.
    """
    transformers = _library(name)
    with _quiet(transformers):
        description = description or _describe(transformers, name, pretrained)
        with _friendly_errors(f"train.backbone {name} cannot be built", "use another one"):
            config = _config(transformers, name, description["config"])
            backbone, model = _classes(transformers, name, config)
            is_vit = backbone is VisionTransformer
            options = {"dtype": torch.float32, **({"attn_implementation": "eager"} if is_vit else {})}
            if pretrained:
                network = _pretrained(name, model, config, options)
            else:
                network = model._from_config(config, **options)  # noqa: SLF001 (public for the Auto classes alone)
                if is_vit:
                    vary_last_norm(network)
            return backbone(name, network, description, large_maps)


def _library(name: str) -> ModuleType:
    """The package transformers, or an InputError that says how to install it."""
    try:
        import transformers
    except ImportError as error:
        raise InputError(
            f"train.backbone {name} needs Hugging Face transformers ({error}): pip install -c constraints.txt -e "
            "'.[backbones]', or set it to dlib_resnet"
        ) from error
    return transformers


@contextmanager
def _quiet(transformers: ModuleType) -> Iterator[None]:
    """Silence the library's warnings and progress bars: this module reports every problem once, in its own words."""
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.disable_progress_bar()
    try:
        with quiet_libraries():
            yield
    finally:
        if bars:
            transformers.logging.enable_progress_bar()


@contextmanager
def _friendly_errors(problem: str, fix: str) -> Iterator[None]:
    """Turn the many exceptions of the library into one line: the problem, the reason and the fix."""
    try:
        yield
    except InputError:
        raise
    except (
        OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        raise InputError(f"{problem} ({_reason(error)}): {fix}") from error


def _reason(error: Exception) -> str:
    """The reason of a failure in a few words."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if "GatedRepoError" in kinds:
        return "its owner asks you to log in and to agree to conditions first"
    if "RepositoryNotFoundError" in kinds:
        return "the hub has no such model, or hides it"
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "TimeoutException"}:
        return "the hub cannot be reached and the files are not cached"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."


def _describe(transformers: ModuleType, name: str, pretrained: bool) -> dict:
    """The model's description, from the hub, the folder or the library's defaults of a kind."""
    source = name.removeprefix("hf:")
    if source in transformers.CONFIG_MAPPING and not Path(source).is_dir():
        if pretrained:
            raise InputError(
                f"train.backbone {name} names a kind of network, which has no weights: set train.weights to none, or name a "
                "model of the hub, such as hf:microsoft/resnet-50, or a folder"
            )
        return _description(transformers.CONFIG_MAPPING[source](), {})
    with _reading(name):
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
        path = transformers.utils.cached_file(
            source, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False
        )
        return _description(config, json.loads(Path(path).read_text(encoding="utf-8")) if path else {})


def _reading(name: str) -> AbstractContextManager[None]:
    """Friendly errors of reading a folder or the hub. Raises InputError for a folder without a configuration."""
    folder = Path(name.removeprefix("hf:"))
    if not folder.is_dir():
        return _friendly_errors(
            f"train.backbone {name} is not a folder, and the Hugging Face hub does not give it",
            "correct the name, or download the model where there is a network and name its folder",
        )
    if not (folder / "config.json").is_file():
        raise InputError(
            f"train.backbone {name}: the folder has no config.json: write it with transformers' save_pretrained"
        )
    return _friendly_errors(f"train.backbone {name} cannot be read", "repair the folder's files")


def _description(config: Config, preprocessor: dict) -> dict:
    """The description of a configuration, and of an image preprocessor's settings."""
    content = json.loads(config.to_json_string(use_diff=False))
    means, deviations = preprocessor.get("image_mean") or IMAGENET_MEAN, preprocessor.get("image_std") or IMAGENET_STD
    if preprocessor.get("do_normalize") is False:
        means, deviations = (0, 0, 0), (1, 1, 1)
    mean, std = [float(value) for value in means], [float(value) for value in deviations]
    if len(mean) != 3 or len(std) != 3 or not all(map(math.isfinite, mean + std)) or min(std) <= 0:
        raise ValueError(f"preprocessor_config.json has image_mean {mean} and image_std {std}")
    return {"config": {key: content[key] for key in sorted(content) if key not in NOTES}, "mean": mean, "std": std}


def _config(transformers: ModuleType, name: str, content: dict) -> Config:
    """The library's configuration of plain data (its own defaults hold tuples where its models want lists)."""
    if content.get("num_channels", 3) != 3:
        raise InputError(f"train.backbone {name} takes images of {content['num_channels']} channels: use one for RGB")
    return transformers.CONFIG_MAPPING[content["model_type"]].from_dict(dict(content))


def _classes(transformers: ModuleType, name: str, config: Config) -> tuple[type[Backbone], ModelClass]:
    """The backbone class that reads the features of such a model, and the library's class of the model."""
    kind, auto_backbones, models = config.model_type, transformers.MODEL_FOR_BACKBONE_MAPPING, transformers.MODEL_MAPPING
    if kind in VIT_KINDS:
        return VisionTransformer, models[type(config)]
    if kind in CNN_KINDS:
        return StagedCnn, (auto_backbones if type(config) in auto_backbones else models)[type(config)]
    names = getattr(config, "stage_names", None)
    if type(config) not in auto_backbones or not names:
        raise InputError(
            f"train.backbone {name}: {kind} is no vision backbone that can be used: take one that transformers' "
            f"AutoBackbone knows, or one of {', '.join(sorted({*VIT_KINDS, *CNN_KINDS}))}"
        )
    if len(names) < 5:
        raise InputError(f"train.backbone {name}: {kind} has {len(names)} stages, not a stem and four: use another one")
    config.out_features = [names[round(part * (len(names) - 1) / 4)] for part in range(5)]
    return AutoFeatureMaps, auto_backbones[type(config)]


def _pretrained(name: str, model: ModelClass, config: Config, options: dict) -> torch.nn.Module:
    """The network with its pretrained weights. Raises InputError if a weight that a layer uses is missing."""
    source = name.removeprefix("hf:")
    with _friendly_errors(
        f"train.backbone {name}: its weights cannot be read",
        "they must be safetensors, as save_pretrained writes; or set train.weights to none",
    ):
        network, loading = model.from_pretrained(
            source, config=config, use_safetensors=True, output_loading_info=True, **options
        )
    missing = sorted(key for key in loading["missing_keys"] if not any(unused in key for unused in UNUSED))
    if missing:
        raise InputError(
            f"train.backbone {name}: its weights lack {len(missing)} tensors, such as {missing[0]}: they belong to another "
            "network; name one whose config.json and weights belong together"
        )
    return network
