"""One epoch of training, one pass of validation, and what prepares the network for them."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.params import Train
from train.alignment import alignment_loss
from train.augment import train_view, whole_view
from train.data import Batch
from train.metrics import attention_cosine
from train.model import Classifier


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
    cross_entropies, alignments, right, faces, with_map = 0.0, 0.0, 0, 0, 0
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
        number, mapped = len(batch.targets), int(batch.has_map.sum())
        cross_entropies += cross_entropy.item() * number
        alignments += alignment.item() * mapped
        right += int((logits.argmax(dim=1) == batch.targets).sum())
        faces, with_map = faces + number, with_map + mapped
    return {
        "cross_entropy": cross_entropies / faces,
        "alignment": alignments / with_map if with_map else 0.0,
        "accuracy": right / faces,
    }


@torch.no_grad()
def validate(model: Classifier, batches: Iterable[Batch], params: Train, number_of_classes: int) -> dict[str, float]:
    """Cross-entropy, accuracy, and the ATT-COS of layer 5 (mean per class over its faces with a map, then over those
    classes; NaN without any)."""
    model.eval()
    cross_entropy, right, faces = 0.0, 0, 0
    cosines, numbers = torch.zeros(number_of_classes), torch.zeros(number_of_classes)
    for batch in batches:
        images, heatmaps = whole_view(batch, params.input_size)
        logits, features = model(images)
        cross_entropy += F.cross_entropy(logits, batch.targets, reduction="sum").item()
        right += int((logits.argmax(dim=1) == batch.targets).sum())
        faces += len(batch.targets)
        mapped = batch.has_map
        cosines.index_add_(0, batch.targets[mapped], attention_cosine(features[-1], heatmaps)[mapped])
        numbers += torch.bincount(batch.targets[mapped], minlength=number_of_classes)
    return {
        "cross_entropy": cross_entropy / faces,
        "accuracy": right / faces,
        "att_cos": (cosines[numbers > 0] / numbers[numbers > 0]).mean().item(),
    }


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
