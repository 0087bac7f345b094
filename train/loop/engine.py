"""One epoch of training, one pass of validation, and what prepares the network for them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from train.alignment import alignment_loss, map_alignment_loss
from train.data.augmentation import MIX_NUMBERS, View, train_view, whole_view
from train.data.dataset import Batch
from train.loop.distributed import DistributedContext
from train.models.classifier import Classifier, Output
from train.models.maps import attention_cosine


class DivergedError(InputError):
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
class TrainContext:
    """What stays the same from step to step."""

    classifier: Classifier
    call: Callable[..., Output]  # the classifier itself, or wrapped for several processes, or compiled
    params: Train
    optimizer: torch.optim.Optimizer
    class_weights: Tensor  # (K,) of the classes in the loss
    distributed: DistributedContext


def train_epoch(context: TrainContext, batches: Iterable[tuple[Batch, Tensor]], schedule: LRScheduler) -> dict[str, float]:
    """Train on every batch once.

    Args:
        context: What stays the same from step to step.
        batches: This process's part of each batch, with its random numbers (B, ``augmentation.NUMBERS``).
        schedule: Sets the learning rates; it moves on by one step after each batch.

    Returns:
        The epoch's mean losses and accuracy: cross_entropy, alignment, cam_alignment, accuracy.

    Raises:
        DivergedError: If the loss of a batch is not finite.
    """
    classifier, params, distributed = context.classifier, context.params, context.distributed
    classifier.train()
    sums = torch.zeros(6, dtype=distributed.precise, device=distributed.device)
    for batch, random in batches:
        batch = batch.to(distributed.device)
        view = train_view(batch, params.input_size, params.augment, random)
        view = classifier.method.mix(view, random[:, -MIX_NUMBERS:].to(distributed.device))
        with torch.autocast(distributed.device.type, torch.bfloat16, enabled=params.amp):
            output = context.call(view.images, view.targets)
        found = losses(classifier, output, view, params, context.class_weights)
        counts = torch.stack([torch.ones_like(view.has_map), view.has_map]).sum(dim=1)
        loss = _global_loss(found, counts, context)
        if not torch.isfinite(loss):
            raise DivergedError(loss.item(), batch.rows.tolist())
        context.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if params.max_grad_norm:
            nn.utils.clip_grad_norm_(classifier.parameters(), params.max_grad_norm)
        context.optimizer.step()
        schedule.step()
        faces, mapped = counts
        right = (output.logits.argmax(dim=1) == view.targets).sum()
        with torch.no_grad():
            measured = [found.classification * faces, found.attention * mapped, found.cam * mapped, right, mapped, faces]
            sums += torch.stack([value.to(distributed.precise) for value in measured])
    classification, attention, cam, right, mapped, faces = distributed.sum(sums).tolist()
    return {
        "cross_entropy": classification / faces,
        "alignment": attention / mapped if mapped else 0.0,
        "cam_alignment": cam / mapped if mapped else 0.0,
        "accuracy": right / faces,
    }


def _global_loss(found: Losses, counts: Tensor, context: TrainContext) -> Tensor:
    """This process's loss, so that the mean over processes is the loss of the whole batch.

    ``counts`` are the numbers of faces and of faces with a map here. Processes average their gradients, so each weighs its
    means by its share of all faces, and of all faces with a map.
    """
    guidance, distributed = context.params.guidance, context.distributed
    part, mapped_part = counts * distributed.size / distributed.sum(counts).clamp(min=1)
    alignment = guidance.attention * found.attention + guidance.cam * found.cam
    return part * found.classification + mapped_part * alignment


def losses(classifier: Classifier, output: Output, view: View, params: Train, weights: Tensor) -> Losses:
    """What is minimised. An alignment that is not guided is measured without a gradient."""
    output = output._replace(logits=output.logits.float(), aux_logits=tuple(other.float() for other in output.aux_logits))

    def classification(targets: Tensor) -> Tensor:
        each = classifier.method.classification_loss(output, targets, params.label_smoothing)
        return each * weights[targets]

    one = classification(view.targets)
    mixed = (
        one
        if view.mixed_targets is view.targets
        else view.mix_ratio * one + (1 - view.mix_ratio) * classification(view.mixed_targets)
    )
    with torch.set_grad_enabled(params.guidance.attention > 0):
        layers = [output.layers[layer - 1].float() for layer in params.layers]
        attention = alignment_loss(layers, view.heatmaps, view.has_map)
    cam = attention.new_zeros(())
    if output.maps is not None:
        with torch.set_grad_enabled(params.guidance.cam > 0):
            cam = map_alignment_loss(_map_of_classes(output.maps.float(), view), view.heatmaps, view.has_map)
    return Losses(mixed.mean(), attention, cam)


@torch.no_grad()
def validate(context: TrainContext, batches: Iterable[Batch]) -> dict[str, float]:
    """Cross-entropy, accuracy, balanced accuracy, and the ATT-COS of layer 5 (mean per class over its faces with a map,
    then over those classes; there is none without such faces)."""
    model, params, distributed = context.classifier, context.params, context.distributed
    model.eval()
    # Per class: faces, right, faces with a map, their cosines; the last row holds the cross-entropy.
    sums = torch.zeros(len(context.class_weights) + 1, 4, dtype=distributed.precise, device=distributed.device)
    for batch in batches:
        view = whole_view(batch.to(distributed.device), params.input_size)
        with torch.autocast(distributed.device.type, torch.bfloat16, enabled=params.amp):
            output = model(view.images)
        logits, last = output.logits.float(), output.layers[-1].float()
        sums[-1, 0] += F.cross_entropy(logits, view.targets, reduction="sum")
        cosines = torch.where(view.has_map, attention_cosine(last, view.heatmaps), 0)
        right = logits.argmax(dim=1) == view.targets
        each = torch.stack([torch.ones_like(right), right, view.has_map, cosines], dim=1)
        sums.index_add_(0, view.targets, each.to(distributed.precise))
    sums = distributed.sum(sums)
    faces, right, mapped, cosines = sums[:-1].unbind(dim=1)
    metrics = {
        "cross_entropy": (sums[-1, 0] / faces.sum()).item(),
        "accuracy": (right.sum() / faces.sum()).item(),
        "balanced_accuracy": (right[faces > 0] / faces[faces > 0]).mean().item(),
    }
    if mapped.any():
        metrics["att_cos"] = (cosines[mapped > 0] / mapped[mapped > 0]).mean().item()
    return metrics


def _map_of_classes(maps: Tensor, view: View) -> Tensor:
    """The class maps (B, h, w) of what the images show, of (B, K, h, w)."""
    rows = torch.arange(len(maps), device=maps.device)
    first = maps[rows, view.targets]
    if view.mixed_targets is view.targets:
        return first
    share = view.mix_ratio[:, None, None]
    return share * first + (1 - share) * maps[rows, view.mixed_targets]
