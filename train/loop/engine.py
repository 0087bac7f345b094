"""One epoch of training and one pass of validation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from pipeline.runtime.parameters import Train
from train.alignment import alignment_loss, map_alignment_loss
from train.data.augmentation import MIX_NUMBERS, View, train_view, whole_view
from train.data.dataset import Batch
from train.data.region_swaps import Swaps, swap_regions
from train.loop.distributed import DistributedContext
from train.loop.loss_watch import LossWatch
from train.models.classifier import Classifier, Output
from train.models.guidance import Guidance
from train.models.maps import attention_cosine
from train.models.methods import Scores


class Draws(NamedTuple):
    """The random numbers of the B faces of a batch."""

    view: Tensor  # (B, augmentation.NUMBERS)
    swaps: Tensor  # (B, region_swaps.NUMBERS)


class Losses(NamedTuple):
    """The parts of the loss before they are weighted. Each is a scalar."""

    classification: Tensor  # mean over the batch
    attention: Tensor  # alignment of layer-wise attention: mean over the samples that have a map
    cam: Tensor  # alignment of the true class's map: mean over the samples that have a map


@dataclass(frozen=True)
class TrainContext:
    """The objects that every step of a training uses."""

    classifier: Classifier
    call: Callable[..., Output]  # the classifier, or a wrapper of it: for several processes, or compiled
    params: Train
    optimizer: torch.optim.Optimizer
    class_weights: Tensor  # (K,) of the classes in the loss
    distributed: DistributedContext
    swaps: Swaps | None = None  # how faces show regions of others; None if they do not


def train_epoch(context: TrainContext, batches: Iterable[tuple[Batch, Draws]], schedule: LRScheduler) -> dict[str, float]:
    """Train on every batch once.

    Args:
        context: The classifier, its optimiser and the parameters.
        batches: This process's part of each batch, with its random numbers. The host waits for a GPU in no step, if they are
            on it or in pinned memory.
        schedule: Sets the learning rates. It advances by one step after each batch.

    Returns:
        The epoch's mean losses and its accuracy in [0, 1]: cross_entropy, alignment, cam_alignment, accuracy.

    Raises:
        DivergedError: If the loss of a batch is not finite.
    """
    classifier, params, distributed = context.classifier, context.params, context.distributed
    classifier.train()
    watch = LossWatch()
    sums = torch.zeros(6, dtype=distributed.precise, device=distributed.device)
    for read, draws in batches:
        batch = read.to(distributed.device)
        if context.swaps:
            batch = swap_regions(batch, params.input_size, context.swaps, draws.swaps)
        view = train_view(batch, params.input_size, params.augment, draws.view)
        view = classifier.method.mix(view, draws.view[:, -MIX_NUMBERS:].to(distributed.device, non_blocking=True))
        with torch.autocast(distributed.device.type, torch.bfloat16, enabled=params.amp):
            output = context.call(view.images, view.targets)
        parts = losses(classifier, output, view, params, context.class_weights)
        counts = torch.stack([torch.ones_like(view.has_map), view.has_map]).sum(dim=1)
        loss = _global_loss(parts, counts, context)
        watch.add(loss, batch.rows)
        context.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if params.max_grad_norm:
            nn.utils.clip_grad_norm_(classifier.parameters(), params.max_grad_norm)
        context.optimizer.step()
        schedule.step()
        faces, mapped = counts
        right = (output.logits.argmax(dim=1) == view.targets).sum()
        with torch.no_grad():
            measured = [parts.classification * faces, parts.attention * mapped, parts.cam * mapped, right, mapped, faces]
            sums += torch.stack([value.to(distributed.precise) for value in measured])
    watch.finish()
    classification, attention, cam, right, mapped, faces = distributed.sum(sums).tolist()
    return {
        "cross_entropy": classification / faces,
        "alignment": attention / mapped if mapped else 0.0,
        "cam_alignment": cam / mapped if mapped else 0.0,
        "accuracy": right / faces,
    }


def _global_loss(parts: Losses, counts: Tensor, context: TrainContext) -> Tensor:
    """Return this process's loss, scaled so that the mean over the processes is the loss of the whole batch.

    ``counts`` (2,) are the numbers of this process's faces and of its faces with a map. The processes average their
    gradients. So each process weights its means by its share of all faces, and of all faces with a map.
    """
    guidance, distributed = Guidance.of_params(context.params), context.distributed
    share, mapped_share = counts * distributed.size / distributed.sum(counts).clamp(min=1)
    alignment = guidance.attention * parts.attention + guidance.cam * parts.cam
    return share * parts.classification + mapped_share * alignment


def losses(classifier: Classifier, output: Output, view: View, params: Train, weights: Tensor) -> Losses:
    """Measure the parts of the loss. An alignment that is not guided is measured without a gradient.

    Args:
        classifier: Its method gives the classification loss.
        output: The classifier's output for the view. The losses are computed in single precision.
        view: The images that the classifier saw, and their targets.
        params: Guidance and label smoothing.
        weights: (K,) weight of each class in the classification loss.
    """
    guidance = Guidance.of_params(params)
    scores = Scores(output.logits.float(), output.maps, tuple(logits.float() for logits in output.aux_logits))

    def classification(targets: Tensor) -> Tensor:
        each = classifier.method.classification_loss(scores, targets, params.label_smoothing)
        return each * weights[targets]

    per_face = classification(view.targets)  # (B,)
    if view.mixed_targets is not view.targets:
        per_face = view.mix_ratio * per_face + (1 - view.mix_ratio) * classification(view.mixed_targets)
    align = _compiled(alignment_loss) if params.compile else alignment_loss
    align_map = _compiled(map_alignment_loss) if params.compile else map_alignment_loss
    with torch.set_grad_enabled(guidance.attention > 0):
        layers = [output.layers[layer - 1].float() for layer in params.layers]
        attention = align(layers, view.heatmaps, view.has_map)
    cam = attention.new_zeros(())
    if output.maps is not None:
        with torch.set_grad_enabled(guidance.cam > 0):
            cam = align_map(target_maps(output.maps.float(), view), view.heatmaps, view.has_map)
    return Losses(per_face.mean(), attention, cam)


@cache
def _compiled(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The compiled loss, one for the whole process."""
    return torch.compile(loss)


@torch.no_grad()
def validate(context: TrainContext, batches: Iterable[Batch]) -> dict[str, float]:
    """Measure the classifier on faces, shown as whole crops.

    Args:
        context: The classifier and the parameters. The classifier is in evaluation mode afterwards.
        batches: This process's part of each batch.

    Returns:
        cross_entropy, accuracy and balanced_accuracy over the faces of all processes, and att_cos: the ATT-COS of layer 5,
        first the mean over the faces of each class that have a map, then the mean over these classes. There is no att_cos if
        no face has a map.
    """
    model, params, distributed = context.classifier, context.params, context.distributed
    model.eval()
    # The columns of a class are: faces, correct faces, faces with a map, sum of their cosines. The last row holds the
    # cross-entropy.
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
    sums = distributed.sum(sums).cpu()  # the only wait for the device
    faces, right, mapped, cosines = sums[:-1].unbind(dim=1)
    metrics = {
        "cross_entropy": (sums[-1, 0] / faces.sum()).item(),
        "accuracy": (right.sum() / faces.sum()).item(),
        "balanced_accuracy": (right[faces > 0] / faces[faces > 0]).mean().item(),
    }
    if mapped.any():
        metrics["att_cos"] = (cosines[mapped > 0] / mapped[mapped > 0]).mean().item()
    return metrics


def target_maps(maps: Tensor, view: View) -> Tensor:
    """Select the class map of each image's target. The map of an image of two classes is mixed from both by their ratio.

    Args:
        maps: (B, K, h, w) map of each class.
        view: Targets, mixed targets and mix ratio.

    Returns:
        (B, h, w).
    """
    rows = torch.arange(len(maps), device=maps.device)
    first = maps[rows, view.targets]
    if view.mixed_targets is view.targets:
        return first
    ratio = view.mix_ratio[:, None, None]
    return ratio * first + (1 - ratio) * maps[rows, view.mixed_targets]
