"""One epoch of training, one pass of validation, and what prepares the network for them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.params import Train
from train.alignment import alignment_loss, map_alignment_loss
from train.augment import MIX_DRAWS, View, train_view, whole_view
from train.data import Batch
from train.distributed import Group
from train.metrics import attention_cosine
from train.model import Classifier, Output
from train.recipe import loss_weights


class Diverged(InputError):
    """The loss of a batch is not finite; ``rows`` are its faces' in the shards."""

    def __init__(self, loss: float, rows: list[int]) -> None:
        super().__init__(f"the loss is {loss} on rows {rows} of the face shards: lower train.learning_rate")
        self.loss = loss
        self.rows = rows


class Losses(NamedTuple):
    """Means over the batch; the alignments over its samples with a map. Without their weights."""

    classification: Tensor
    attention: Tensor
    cam: Tensor


@dataclass(frozen=True)
class Learner:
    """What stays the same from step to step."""

    classifier: Classifier
    call: Callable[..., Output]  # the classifier, or it compiled or in several processes
    params: Train
    optimizer: torch.optim.Optimizer
    rate: Callable[[int], float]  # the share of the peak learning rates at a step
    weights: Tensor  # (K,) of the classes in the loss
    group: Group


def train_epoch(learner: Learner, batches: Iterable[tuple[Batch, Tensor]], step: int) -> dict[str, float]:
    """Train on every batch, with its draws, once; returns the epoch's mean losses and accuracy. ``step`` is the number of
    the first batch. Raises Diverged when the loss is not finite."""
    classifier, params, optimizer, group = learner.classifier, learner.params, learner.optimizer, learner.group
    classifier.train()
    peaks = [settings["initial_lr"] for settings in optimizer.param_groups]
    attention_weight, cam_weight = loss_weights(params)
    sums = torch.zeros(6, dtype=group.precise, device=group.device)
    for number, (batch, draws) in enumerate(batches):
        for settings, peak in zip(optimizer.param_groups, peaks, strict=True):
            settings["lr"] = peak * learner.rate(step + number)
        batch = batch.to(group.device)
        view = train_view(batch, params.input_size, params.augment, draws)
        view = classifier.method.mix(view, draws[:, -MIX_DRAWS:].to(group.device))
        with torch.autocast(group.device.type, torch.bfloat16, enabled=params.amp):
            output = learner.call(view.images, view.targets)
        found = losses(classifier, output, view, params, learner.weights)
        # Processes average their gradients: each weighs its means by its part of all faces, and of all with a map.
        counts = torch.stack([torch.ones_like(view.has_map), view.has_map]).sum(dim=1)
        faces, mapped = counts
        part, mapped_part = counts * group.size / group.sum(counts).clamp(min=1)
        alignment = attention_weight * found.attention + cam_weight * found.cam
        loss = part * found.classification + mapped_part * alignment
        if not torch.isfinite(loss):
            raise Diverged(loss.item(), batch.rows.tolist())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if params.clip:
            nn.utils.clip_grad_norm_(classifier.parameters(), params.clip)
        optimizer.step()
        right = (output.logits.argmax(dim=1) == view.targets).sum()
        with torch.no_grad():
            measured = [found.classification * faces, found.attention * mapped, found.cam * mapped, right, mapped, faces]
            sums += torch.stack([value.to(group.precise) for value in measured])
    classification, attention, cam, right, mapped, faces = group.sum(sums).tolist()
    return {
        "cross_entropy": classification / faces,
        "alignment": attention / mapped if mapped else 0.0,
        "cam_alignment": cam / mapped if mapped else 0.0,
        "accuracy": right / faces,
    }


def losses(classifier: Classifier, output: Output, view: View, params: Train, weights: Tensor) -> Losses:
    """What is minimised. An alignment that is not guided is measured without a gradient."""
    attention_weight, cam_weight = loss_weights(params)
    output = output._replace(logits=output.logits.float(), others=tuple(other.float() for other in output.others))

    def classification(targets: Tensor) -> Tensor:
        each = classifier.method.classification_loss(output, targets, params.label_smoothing)
        return each * weights[targets]

    one = classification(view.targets)
    mixed = one if view.others is view.targets else view.share * one + (1 - view.share) * classification(view.others)
    with torch.set_grad_enabled(attention_weight > 0):
        layers = [output.layers[layer - 1].float() for layer in params.layers]
        attention = alignment_loss(layers, view.heatmaps, view.has_map)
    cam = attention.new_zeros(())
    if output.maps is not None:
        with torch.set_grad_enabled(cam_weight > 0):
            cam = map_alignment_loss(_map_of_classes(output.maps.float(), view), view.heatmaps, view.has_map)
    return Losses(mixed.mean(), attention, cam)


@torch.no_grad()
def validate(learner: Learner, batches: Iterable[Batch]) -> dict[str, float]:
    """Cross-entropy, accuracy, balanced accuracy, and the ATT-COS of layer 5 (mean per class over its faces with a map,
    then over those classes; there is none without such faces)."""
    model, params, group = learner.classifier, learner.params, learner.group
    model.eval()
    # Per class: faces, right, faces with a map, their cosines; the last row holds the cross-entropy.
    sums = torch.zeros(len(learner.weights) + 1, 4, dtype=group.precise, device=group.device)
    for batch in batches:
        view = whole_view(batch.to(group.device), params.input_size)
        with torch.autocast(group.device.type, torch.bfloat16, enabled=params.amp):
            output = model(view.images)
        logits, last = output.logits.float(), output.layers[-1].float()
        sums[-1, 0] += F.cross_entropy(logits, view.targets, reduction="sum")
        cosines = torch.where(view.has_map, attention_cosine(last, view.heatmaps), 0)
        right = logits.argmax(dim=1) == view.targets
        each = torch.stack([torch.ones_like(right), right, view.has_map, cosines], dim=1)
        sums.index_add_(0, view.targets, each.to(group.precise))
    sums = group.sum(sums)
    faces, right, mapped, cosines = sums[:-1].unbind(dim=1)
    metrics = {
        "cross_entropy": (sums[-1, 0] / faces.sum()).item(),
        "accuracy": (right.sum() / faces.sum()).item(),
        "balanced_accuracy": (right[faces > 0] / faces[faces > 0]).mean().item(),
    }
    if mapped.any():
        metrics["att_cos"] = (cosines[mapped > 0] / mapped[mapped > 0]).mean().item()
    return metrics


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


def _map_of_classes(maps: Tensor, view: View) -> Tensor:
    """The class maps (B, h, w) of what the images show, of (B, K, h, w)."""
    rows = torch.arange(len(maps), device=maps.device)
    first = maps[rows, view.targets]
    if view.others is view.targets:
        return first
    share = view.share[:, None, None]
    return share * first + (1 - share) * maps[rows, view.others]
