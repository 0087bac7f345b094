"""One epoch of training, one pass of validation, and what prepares the network for them."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.params import Train
from train.alignment import alignment_loss
from train.augment import test_view, train_view
from train.data import Batch
from train.metrics import attention_cosine
from train.model import Classifier


@dataclass
class Mean:
    """A running mean over samples."""

    total: float = 0.0
    number: int = 0

    def add(self, value: Tensor | float, number: int) -> None:
        self.total += float(value) * number
        self.number += number

    def value(self) -> float:
        return self.total / self.number if self.number else float("nan")


def train_epoch(
    model: Classifier,
    batches: Iterable[Batch],
    params: Train,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    generator: torch.Generator,
) -> dict[str, float]:
    """Train on every batch once; returns the epoch's mean cross-entropy, alignment loss and accuracy.

    Raises InputError when the loss is not finite.
    """
    model.train()
    means = {name: Mean() for name in ("cross_entropy", "alignment", "accuracy")}
    for batch in batches:
        images, heatmaps = train_view(batch, params.input_size, params.augment, generator)
        logits, features = model(images)
        cross_entropy = F.cross_entropy(logits, batch.targets, label_smoothing=params.label_smoothing)
        with torch.set_grad_enabled(params.lambda_ > 0):
            alignment = alignment_loss([features[layer - 1] for layer in params.layers], heatmaps, batch.has_map)
        loss = cross_entropy + params.lambda_ * alignment
        if not torch.isfinite(loss):
            raise InputError(f"the loss is {loss.item()} on rows {batch.rows.tolist()}: lower train.learning_rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        number = len(batch.targets)
        means["cross_entropy"].add(cross_entropy.item(), number)
        means["alignment"].add(alignment.item(), int(batch.has_map.sum()))
        means["accuracy"].add((logits.argmax(dim=1) == batch.targets).float().mean(), number)
    return {name: mean.value() for name, mean in means.items()}


@torch.no_grad()
def validate(model: Classifier, batches: Iterable[Batch], params: Train) -> dict[str, float]:
    """Cross-entropy, accuracy, and the mean ATT-COS of layer 5 over the samples that have a map."""
    model.eval()
    means = {name: Mean() for name in ("cross_entropy", "accuracy", "att_cos")}
    for batch in batches:
        images, heatmaps = test_view(batch, params.input_size)
        logits, features = model(images)
        number = len(batch.targets)
        means["cross_entropy"].add(F.cross_entropy(logits, batch.targets), number)
        means["accuracy"].add((logits.argmax(dim=1) == batch.targets).float().mean(), number)
        if batch.has_map.any():
            cosines = attention_cosine(features[-1][batch.has_map], heatmaps[batch.has_map])
            means["att_cos"].add(cosines.mean(), len(cosines))
    return {name: mean.value() for name, mean in means.items()}


@torch.no_grad()
def calibrate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every batch norm the statistics of these images (B, 3, H, W), leaving the network's function as it is.

    Pretrained networks come with their statistics folded into scale and shift. Training normalises by the batch instead:
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
