"""Networks whose feature maps transformers' AutoBackbone gives: mostly transformers with windows, such as Swin."""

from typing import Any

from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Features, LayerHook, unchanged
from train.models.backbones.hf_base import SMALLEST_INPUT, HuggingFaceBackbone


class AutoFeatureMaps(HuggingFaceBackbone):
    """The feature maps of five stages as the library's AutoBackbone gives them."""

    supports_layer_hook = False

    def __init__(self, name: str, network: nn.Module, description: dict, large_maps: bool) -> None:
        """Wrap a network whose configuration asks for five feature maps; the arguments are those of ``hf.build``."""
        # The library adds untrained norms. Their output has the same mean at every cell: there is no attention to guide.
        norms = getattr(network, "hidden_states_norms", None)
        if isinstance(norms, nn.Module):
            for stage, _ in list(norms.named_children()):
                norms.register_module(stage, nn.Identity())
        super().__init__(name, network, description)
        self.only_side: int | None = None  # pixels, of a network that accepts a single size
        try:
            self.measure_layers(large_maps)
        except InputError:
            raise
        except (RuntimeError, ValueError):
            config: Any = network.config
            own = getattr(config, "image_size", None)
            self.only_side = own if isinstance(own, int) else own[0] if own else SMALLEST_INPUT
            self.measure_layers(large_maps, self.only_side)

    def forward(self, images: Tensor, layer_hook: LayerHook = unchanged) -> Features:  # noqa: ARG002 (Backbone's signature)
        """Compute the features of five layers; see ``Backbone.forward``. Raises InputError for images of another size."""
        if self.only_side not in (None, images.shape[-1]):
            raise InputError(
                f"train.backbone {self.name} accepts no other size of image: set train.input_size to {self.only_side}"
            )
        return Features(list(self.network(self.normalised(images)).feature_maps))
