"""Models of Hugging Face transformers: where they come from, and how they are read.

NAME of ``hf:NAME`` is a model of the hub, a folder with config.json (and safetensors weights), or a bare kind (``resnet``:
its default configuration, with random weights only). Code beside a model's weights is never run, and no pickle is read.
"""

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from safetensors import SafetensorError

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Backbone
from train.models.backbones.hf_cnn import KINDS as STAGED
from train.models.backbones.hf_cnn import Maps, Stages
from train.models.backbones.hf_vit import KINDS as VITS
from train.models.backbones.hf_vit import Vit, vary_last_norm

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
UNUSED = ("hidden_states_norms.", "pooler.", "mask_token")  # what no layer of ours goes through
NOTES = ("id2label", "label2id", "_name_or_path", "architectures")  # of a configuration: they make no difference


def build(name: str, large_maps: bool, pretrained: bool, description: dict | None = None) -> Backbone:
    """The backbone ``name``, "hf:" included; see train.backbones.build. Raises InputError, in one line, where there is none
    or its weights are not to be had."""
    transformers = _library(name)
    with _quiet(transformers):
        description = description or _describe(transformers, name, pretrained)
        with _told(f"train.backbone {name} cannot be built", "use another one"):
            config = _config(transformers, name, description["config"])
            reader, model = _reader(transformers, name, config)
            options = {"dtype": torch.float32, **({"attn_implementation": "eager"} if reader is Vit else {})}
            if pretrained:
                network = _pretrained(name, model, config, options)
            else:
                network = model._from_config(config, **options)
                if reader is Vit:
                    vary_last_norm(network)
            return reader(name, network, description, large_maps)


def _library(name: str) -> ModuleType:
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
    """Without the library's own warnings and progress: what is wrong is said once, in our words."""
    bars, level = transformers.logging.is_progress_bar_enabled(), logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        if bars:
            transformers.logging.enable_progress_bar()


@contextmanager
def _told(what: str, mend: str) -> Iterator[None]:
    """The library's many ways to fail as one line: ``what``, the reason, the ``mend``."""
    try:
        yield
    except InputError:
        raise
    except (
        OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        raise InputError(f"{what} ({_reason(error)}): {mend}") from error


def _reason(error: Exception) -> str:
    """A failure in a few words."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if "GatedRepoError" in kinds:
        return "its owner wants you to log in and agree first"
    if "RepositoryNotFoundError" in kinds:
        return "the hub has no such model, or hides it"
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "TimeoutException"}:
        return "the hub cannot be reached and the files are not cached"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."


def _describe(transformers: ModuleType, name: str, pretrained: bool) -> dict:
    """What the hub, the folder or the kind says of the model: its configuration, and the images' mean and deviation."""
    source = name.removeprefix("hf:")
    if source in transformers.CONFIG_MAPPING and not Path(source).is_dir():
        if pretrained:
            raise InputError(
                f"train.backbone {name} names a kind of network, which has no weights: set train.weights to none, or name a "
                "model of the hub, as hf:microsoft/resnet-50, or a folder"
            )
        return _description(transformers.CONFIG_MAPPING[source](), {})
    if Path(source).is_dir():
        if not (Path(source) / "config.json").is_file():
            raise InputError(
                f"train.backbone {name}: the folder has no config.json: write it with transformers' save_pretrained"
            )
        told = _told(f"train.backbone {name} cannot be read", "mend the folder's files")
    else:
        told = _told(
            f"train.backbone {name} is no folder, and the Hugging Face hub does not give it",
            "mend the name, or download the model where there is a network and name its folder",
        )
    with told:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
        path = transformers.utils.cached_file(
            source, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False
        )
        return _description(config, json.loads(Path(path).read_text(encoding="utf-8")) if path else {})


def _description(config: object, preprocessor: dict) -> dict:
    content = json.loads(config.to_json_string(use_diff=False))
    mean, std = preprocessor.get("image_mean") or IMAGENET_MEAN, preprocessor.get("image_std") or IMAGENET_STD
    if preprocessor.get("do_normalize") is False:
        mean, std = (0, 0, 0), (1, 1, 1)
    mean, std = (list(map(float, values)) for values in (mean, std))
    if len(mean) != 3 or len(std) != 3 or not all(map(math.isfinite, mean + std)) or min(std) <= 0:
        raise ValueError(f"preprocessor_config.json has image_mean {mean} and image_std {std}")
    return {"config": {key: content[key] for key in sorted(content) if key not in NOTES}, "mean": mean, "std": std}


def _config(transformers: ModuleType, name: str, content: dict) -> object:
    """The library's configuration of plain data (its own defaults hold tuples where its models want lists)."""
    if content.get("num_channels", 3) != 3:
        raise InputError(f"train.backbone {name} takes images of {content['num_channels']} channels: use one for RGB")
    return transformers.CONFIG_MAPPING[content["model_type"]].from_dict(dict(content))


def _reader(transformers: ModuleType, name: str, config: object) -> tuple[type[Backbone], type]:
    """How to read the features of such a model, and the library's class of it."""
    kind, backbones, models = config.model_type, transformers.MODEL_FOR_BACKBONE_MAPPING, transformers.MODEL_MAPPING
    if kind in VITS:
        return Vit, models[type(config)]
    if kind in STAGED:
        return Stages, (backbones if type(config) in backbones else models)[type(config)]
    names = getattr(config, "stage_names", None)
    if type(config) not in backbones or not names:
        raise InputError(
            f"train.backbone {name}: {kind} is no vision backbone that can be used: take one that transformers' "
            f"AutoBackbone knows, or one of {', '.join(sorted({*VITS, *STAGED}))}"
        )
    if len(names) < 5:
        raise InputError(f"train.backbone {name}: {kind} has {len(names)} stages, not a stem and four: use another one")
    config.out_features = [names[round(part * (len(names) - 1) / 4)] for part in range(5)]
    return Maps, backbones[type(config)]


def _pretrained(name: str, model: type, config: object, options: dict) -> torch.nn.Module:
    """The network with its weights, of which none may be missing."""
    source = name.removeprefix("hf:")
    with _told(
        f"train.backbone {name}: its weights cannot be read",
        "they must be safetensors, as save_pretrained writes; or set train.weights to none",
    ):
        network, found = model.from_pretrained(
            source, config=config, use_safetensors=True, output_loading_info=True, **options
        )
    missing = sorted(key for key in found["missing_keys"] if not any(unused in key for unused in UNUSED))
    if missing:
        raise InputError(
            f"train.backbone {name}: its weights lack {len(missing)} tensors, as {missing[0]}: they are of another network; "
            "name one whose config.json and weights belong together"
        )
    return network
