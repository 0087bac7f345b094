"""Statistics for batch norms that come without any."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def calibrate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every batch norm the statistics of these images (B, 3, H, W), leaving the network's function as it is.

    dlib's network comes with its statistics folded into scale and shift. Training normalises by the batch instead:
    without this step its first updates would meet other activations than those that the weights were made for.
    """
    moments: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def record(layer: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        x = inputs[0]
        moments.setdefault(layer, []).append(torch.stack([x.mean(dim=(0, 2, 3)), (x**2).mean(dim=(0, 2, 3))]))

    layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        model.eval()
        for images in batches:
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    for layer, recorded in moments.items():
        mean, square = torch.stack(recorded).mean(dim=0)
        variance = (square - mean**2).clamp(min=0)
        scale = layer.weight / (layer.running_var + layer.eps).sqrt()
        shift = layer.bias - layer.running_mean * scale
        layer.weight.copy_(scale * (variance + layer.eps).sqrt())
        layer.bias.copy_(shift + scale * mean)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
