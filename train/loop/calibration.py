"""Running statistics for batch norms of a network that comes without them."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn


@torch.no_grad()
def calibrate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every batch norm the statistics of these images, and leave the function of the network unchanged.

    The statistics of dlib's network are folded into its scales and shifts. Training, however, normalises by the batch.
    Without this step the first updates would meet other activations than those for which the weights were trained.

    Args:
        model: The network. It is in evaluation mode afterwards.
        batches: Images (B, 3, H, W), as the network takes them.
    """
    moments = _record_moments(model, batches)
    for layer, recorded in moments.items():
        mean, square = torch.stack(recorded).mean(dim=0)
        variance = (square - mean**2).clamp(min=0)
        # None only for a batch norm without running statistics, which cannot be calibrated.
        running_mean, running_var = cast(Tensor, layer.running_mean), cast(Tensor, layer.running_var)
        scale = layer.weight / (running_var + layer.eps).sqrt()
        shift = layer.bias - running_mean * scale
        layer.weight.copy_(scale * (variance + layer.eps).sqrt())
        layer.bias.copy_(shift + scale * mean)
        running_mean.copy_(mean)
        running_var.copy_(variance)


def _record_moments(model: nn.Module, batches: Iterable[Tensor]) -> dict[nn.BatchNorm2d, list[Tensor]]:
    """Record the mean and the mean square (2, C) of each batch norm's input, for each batch."""
    moments: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def record(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        x = inputs[0]  # (B, C, h, w)
        statistics = torch.stack([x.mean(dim=(0, 2, 3)), (x**2).mean(dim=(0, 2, 3))])
        moments.setdefault(cast(nn.BatchNorm2d, layer), []).append(statistics)

    layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        model.eval()
        for images in batches:
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return moments
