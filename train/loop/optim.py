"""Optimiser and learning-rate schedule."""

import math
from collections.abc import Callable

import torch
from torch.optim.lr_scheduler import LambdaLR

from pipeline.runtime.parameters import Train
from train.models.classifier import Classifier

WARM_UP = 0.2  # share of the steps in which the learning rate rises to its peak, before it falls along a cosine


def optimizer(classifier: Classifier, params: Train) -> torch.optim.Optimizer:
    """Build the optimiser. The backbone and the method's new layers are two groups, each with its own peak learning rate.

    Args:
        classifier: Its parameters are optimised.
        params: Kind of optimiser, both learning rates, momentum and weight decay.
    """
    rates = {classifier.backbone: params.learning_rate, classifier.method: params.head_learning_rate}
    groups = [{"params": part.parameters(), "lr": rate} for part, rate in rates.items()]
    fused = True if next(classifier.parameters()).device.type == "cuda" else None  # one kernel for all parameters of a GPU
    if params.optimizer == "sgd":
        return torch.optim.SGD(
            groups,
            momentum=params.momentum,
            nesterov=params.momentum > 0,
            weight_decay=params.weight_decay,
            fused=fused,
        )
    return torch.optim.AdamW(groups, weight_decay=params.weight_decay, fused=fused)


def schedule(optimizer: torch.optim.Optimizer, share_of_peak: Callable[[int], float], step: int = 0) -> LambdaLR:
    """Schedule the learning rates of all groups.

    Args:
        optimizer: Each of its groups has its peak rate as ``initial_lr``. A new optimiser has it as ``lr``.
        share_of_peak: Gives the share of the peak rates at a step, as ``lr_lambda`` builds it.
        step: Number of the next step; 0 before the first step. The rates of the optimiser are set to those of this step.
    """
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    return LambdaLR(optimizer, share_of_peak, last_epoch=step - 1)


def lr_lambda(params: Train, steps_per_epoch: int) -> Callable[[int], float]:
    """Build the function that gives the share of the peak learning rates at a step, counted from 0.

    With ``cosine`` the share rises linearly, and then falls to zero along a cosine. With ``step`` it is multiplied by
    ``step_factor`` every ``step_epochs`` epochs.
    """
    steps = params.epochs * steps_per_epoch
    warm_up = max(1, round(WARM_UP * steps))

    def share_of_peak(step: int) -> float:
        if params.schedule == "step":
            return params.step_factor ** (step // steps_per_epoch // params.step_epochs)
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return share_of_peak
