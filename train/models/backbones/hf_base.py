"""The common part of all backbones of Hugging Face transformers."""

import torch
from torch import Tensor, nn

from pipeline.runtime.errors import InputError
from train.models.backbones.features import Backbone

SMALLEST_INPUT = 64  # pixels: the smallest input that train.input_size allows


class HuggingFaceBackbone(Backbone):
    """A network of transformers whose input is normalised as it was in its training. A subclass gives ``forward``."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, network: nn.Module, description: dict) -> None:
        """Wrap a network.

        Args:
            name: The value of train.backbone, for error messages.
            network: The network of transformers.
            description: Its configuration, and the mean and standard deviation of its images; see ``hf.build``.
        """
        super().__init__()
        self.name = name
        self.network = network
        self._description = description
        for part in ("mean", "std"):
            self.register_buffer(part, torch.tensor(description[part]).view(1, 3, 1, 1), persistent=False)

    def description(self) -> dict:
        """The network's configuration, and the mean and standard deviation of its images."""
        return self._description

    def normalised(self, images: Tensor) -> Tensor:
        """Normalise images (B, 3, H, W) in [0, 1] by the mean and standard deviation of the network's training."""
        return (images - self.mean) / self.std

    @torch.enable_grad()
    def measure_layers(self, large_maps: bool, side: int = SMALLEST_INPUT) -> None:
        """Run the network on one image to set ``channels``, and to exclude unused parameters from training.

        A parameter without influence on layer 5 gets no gradient: several processes would wait for it forever.

        Args:
            large_maps: Whether the last three layers must have the same size.
            side: Height and width of the image, in pixels.

        Raises:
            InputError: If the network does not give five feature maps, or not of the sizes that ``large_maps`` asks for.
        """
        layers = self.eval()(torch.zeros(1, 3, side, side)).layers
        if len(layers) != 5 or any(layer.dim() != 4 for layer in layers):
            raise InputError(f"train.backbone {self.name} does not give five feature maps: use another one")
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


def remove_child(network: nn.Module, name: str) -> None:
    """Set a child of the network that nothing uses to None, if the network has one of this name."""
    if name in dict(network.named_children()):
        network.register_module(name, None)
