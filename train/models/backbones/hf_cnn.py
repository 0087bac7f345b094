"""Networks of a stem and four stages."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Backbone, Features, LayerHook, unchanged

SIDE = 64  # pixels: the smallest input that train.input_size allows


class Wrapped(Backbone):
    """A network of transformers that sees its images normalised as it was trained. A subclass gives ``forward``."""

    def __init__(self, name: str, network: nn.Module, description: dict) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self._description = description
        for part in ("mean", "std"):
            self.register_buffer(part, torch.tensor(description[part]).view(1, 3, 1, 1), persistent=False)

    def description(self) -> dict:
        return self._description

    def normalised(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std

    @torch.enable_grad()
    def _try(self, large_maps: bool, side: int = SIDE) -> None:
        """Measure the layers on an image of ``side`` pixels. Parameters that layer 5 does not hang on are not trained:
        for their gradients, several processes would wait in vain."""
        layers = self.eval()(torch.zeros(1, 3, side, side)).layers
        if len(layers) != 5 or any(layer.dim() != 4 for layer in layers):
            raise InputError(f"train.backbone {self.name} gives no five feature maps: use another one")
        self.channels = tuple(layer.shape[1] for layer in layers)
        if large_maps and len({layer.shape[2:] for layer in layers[2:]}) > 1:
            raise InputError(
                f"train.backbone {self.name} cannot keep its last stages at stride 1: set train.large_maps to false"
            )
        parameters = list(self.parameters())
        gradients = torch.autograd.grad(layers[-1].sum(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.requires_grad_(gradient is not None)
        self.train()


class Maps(Wrapped):
    """Whatever the library's AutoBackbone gives as the feature maps of five stages: transformers with windows, mostly."""

    supports_layer_hook = False

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        # Norms that the library adds come untrained. Their output has the same mean at every place: no attention to guide.
        for stage in getattr(network, "hidden_states_norms", ()):
            network.hidden_states_norms[stage] = nn.Identity()
        super().__init__(name, network, description)
        self.only_side: int | None = None  # pixels, of a network that takes one size alone
        try:
            self._try(large_maps)
        except InputError:
            raise
        except (RuntimeError, ValueError):
            own = getattr(network.config, "image_size", None)
            self.only_side = own if isinstance(own, int) else own[0] if own else SIDE
            self._try(large_maps, self.only_side)

    def forward(self, images: Tensor, after: LayerHook = unchanged) -> Features:
        if self.only_side not in (None, images.shape[-1]):
            raise InputError(f"train.backbone {self.name} takes no other images: set train.input_size to {self.only_side}")
        return Features(list(self.network(self.normalised(images)).feature_maps))


class Stages(Wrapped):
    """A convolutional network, run stage by stage. ``large_maps`` keeps the last two at stride 1."""

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        if hasattr(network, "hidden_states_norms"):
            network.hidden_states_norms = None  # as in Maps
        parts = KINDS[network.config.model_type](network)
        if len(parts) < 5:
            raise InputError(f"train.backbone {name} has {len(parts) - 1} stages behind its stem, not four: use another one")
        if large_maps:
            for part in parts[-2:]:
                for module in part:
                    _keep_size(module)
        super().__init__(name, network, description)
        self._try(large_maps)

    def forward(self, images: Tensor, after: LayerHook = unchanged) -> Features:
        hidden = self.normalised(images)
        layers = []
        for layer, part in enumerate(self._parts()):
            if layer:
                hidden = after(layer, hidden)
            for module in part:
                hidden = module(hidden)
            layers.append(hidden)
        return Features(layers)

    def _parts(self) -> list[list[nn.Module]]:
        """The modules of each layer; where there are more than four stages, the first belong to the stem."""
        parts = KINDS[self.network.config.model_type](self.network)
        stem = len(parts) - 4
        return [[module for part in parts[:stem] for module in part], *parts[stem:]]


def _keep_size(module: nn.Module) -> None:
    """Set every stride within to 1. What then would shrink its input by a pixel is padded, and a pool that only made its
    input smaller does nothing any more."""
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
    return (size,) if isinstance(size, int) else tuple(size)


def _after_pooling(network: nn.Module) -> list[list[nn.Module]]:
    """Layer 1 is before the stem's pooling, as in the paper."""
    stem, (first, *others) = network.embedder, network.encoder.stages
    return [[stem.embedder], [stem.pooler, first], *_each(others)]


def _dinov3(network: nn.Module) -> list[list[nn.Module]]:
    """The stem is the beginning of the first stage."""
    first, *others = network.model.stages
    return [list(first.downsample_layers), list(first.layers), *_each(others)]


def _each(modules: Iterable[nn.Module]) -> list[list[nn.Module]]:
    return [[module] for module in modules]


# How to take the networks of a kind apart: the modules of the stem, and of each stage.
KINDS: dict[str, Callable[[nn.Module], list[list[nn.Module]]]] = {
    "bit": lambda network: _each([network.bit.embedder, *network.bit.encoder.stages]),
    "convnext": lambda network: _each([network.embeddings, *network.encoder.stages]),
    "convnextv2": lambda network: _each([network.embeddings, *network.encoder.stages]),
    "dinov3_convnext": _dinov3,
    "hgnet_v2": lambda network: _each([network.embedder, *network.encoder.stages]),
    "pp_lcnet": lambda network: _each([network.encoder.convolution, *network.encoder.blocks]),
    "pp_lcnet_v3": lambda network: _each([network.encoder.convolution, *network.encoder.blocks]),
    "regnet": lambda network: _each([network.embedder, *network.encoder.stages]),
    "resnet": _after_pooling,
    "rt_detr_resnet": _after_pooling,
    "textnet": lambda network: _each([network.textnet.stem, *network.textnet.encoder.stages]),
}
