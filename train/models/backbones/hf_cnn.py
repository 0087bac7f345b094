"""Convolutional networks of transformers, with a stem and four stages that run one by one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Features, LayerHook, unchanged
from train.models.backbones.hf_base import HuggingFaceBackbone, remove_child


class Parts(NamedTuple):
    """Where a kind of network keeps its parts: paths of submodules, as ``nn.Module.get_submodule`` takes them."""

    stem: str
    stages: str
    first_stage: tuple[str, ...] = ()  # the modules of the first stage, where they are not the first of ``stages``


POOLED = Parts("embedder.embedder", "encoder.stages", ("embedder.pooler", "encoder.stages.0"))  # layer 1 is before pooling
KINDS = {  # by the model_type of the configuration
    "bit": Parts("bit.embedder", "bit.encoder.stages"),
    "convnext": Parts("embeddings", "encoder.stages"),
    "convnextv2": Parts("embeddings", "encoder.stages"),
    # The first stage begins with the stem.
    "dinov3_convnext": Parts("model.stages.0.downsample_layers", "model.stages", ("model.stages.0.layers",)),
    "hgnet_v2": Parts("embedder", "encoder.stages"),
    "pp_lcnet": Parts("encoder.convolution", "encoder.blocks"),
    "pp_lcnet_v3": Parts("encoder.convolution", "encoder.blocks"),
    "regnet": Parts("embedder", "encoder.stages"),
    "resnet": POOLED,
    "rt_detr_resnet": POOLED,
    "textnet": Parts("textnet.stem", "textnet.encoder.stages"),
}


class StagedCnn(HuggingFaceBackbone):
    """A convolutional network of a kind in KINDS. ``large_maps`` keeps its last two stages at stride 1."""

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        """Wrap a network; the arguments are those of ``hf.build``. Raises InputError if it has fewer than four stages."""
        remove_child(network, "hidden_states_norms")  # untrained norms of feature maps that this class does not read
        parts = stem_and_stages(network)
        if len(parts) < 5:
            raise InputError(f"train.backbone {name} has {len(parts) - 1} stages behind its stem, not four: use another one")
        if large_maps:
            for part in parts[-2:]:
                for module in part:
                    _keep_size(module)
        super().__init__(name, network, description)
        self.measure_layers(large_maps)

    def forward(self, images: Tensor, layer_hook: LayerHook = unchanged) -> Features:
        """Compute the features of five layers; see ``Backbone.forward``."""
        hidden = self.normalised(images)
        layers: list[Tensor] = []
        for layer, part in enumerate(self._layers()):
            if layer:
                hidden = layer_hook(layer, hidden)
            for module in part:
                hidden = module(hidden)
            layers.append(hidden)
        return Features(layers)

    def _layers(self) -> list[list[nn.Module]]:
        """The modules of each layer. Where there are more than four stages, the first stages belong to the stem."""
        parts = stem_and_stages(self.network)
        stem = len(parts) - 4
        return [[module for part in parts[:stem] for module in part], *parts[stem:]]


def stem_and_stages(network: nn.Module) -> list[list[nn.Module]]:
    """The modules of the stem and of each stage, in the order in which they run."""
    config: Any = network.config
    kind = KINDS[config.model_type]
    stages = [[stage] for stage in network.get_submodule(kind.stages).children()]
    if kind.first_stage:
        stages[0] = [module for path in kind.first_stage for module in _in_order(network.get_submodule(path))]
    return [_in_order(network.get_submodule(kind.stem)), *stages]


def _in_order(module: nn.Module) -> list[nn.Module]:
    """The module, or the modules of a list, which cannot run by itself."""
    return list(module) if isinstance(module, nn.ModuleList) else [module]


def _keep_size(module: nn.Module) -> None:
    """Set every stride in a module to 1.

    A layer that would then shrink its input by a pixel gets padding. A pool that only shrank its input then has no effect.
    """
    part: Any  # a convolution or a pool, of PyTorch or of the library
    for part in module.modules():
        if max(_sides(getattr(part, "stride", 1))) == 1:
            continue
        part.stride = (1, 1)
        if any(side % 2 == 0 for side in _sides(getattr(part, "kernel_size", 1))):
            if isinstance(part, nn.Conv2d):
                part.padding = "same"
            else:
                part.kernel_size = 1


def _sides(size: int | Iterable[int]) -> tuple[int, ...]:
    """Height and width of a size that may be a single number."""
    return (size,) if isinstance(size, int) else tuple(size)
