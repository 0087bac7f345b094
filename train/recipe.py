"""The recipe of a training: optimiser, learning rates, the order of the faces, and when it is over.

All chance comes from the seed and the epoch's number, so that a run can be taken up at any epoch.
"""

import hashlib
import json
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pipeline.params import Train
from train.data import Faces
from train.model import Classifier
from train.resume import State

WARM_UP = 0.2  # share of the steps in which the learning rate rises to its peak, before a cosine


def optimizer(classifier: Classifier, params: Train) -> torch.optim.Optimizer:
    """The backbone and the method's new layers each have a peak rate, ``initial_lr``."""
    groups = [
        {"params": classifier.backbone.parameters(), "lr": params.learning_rate, "initial_lr": params.learning_rate},
        {
            "params": classifier.method.parameters(),
            "lr": params.head_learning_rate,
            "initial_lr": params.head_learning_rate,
        },
    ]
    if params.optimizer == "sgd":
        return torch.optim.SGD(
            groups, momentum=params.momentum, nesterov=params.momentum > 0, weight_decay=params.weight_decay
        )
    return torch.optim.AdamW(groups, weight_decay=params.weight_decay)


def rate(params: Train, steps_per_epoch: int) -> Callable[[int], float]:
    """The share of the peak learning rates at a step. ``cosine`` rises linearly and falls to zero along a cosine; ``step``
    is multiplied by ``step_factor`` every ``step_epochs``."""
    steps = params.epochs * steps_per_epoch
    warm_up = max(1, round(WARM_UP * steps))

    def share_of_peak(step: int) -> float:
        if params.schedule == "step":
            return params.step_factor ** (step // steps_per_epoch // params.step_epochs)
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return share_of_peak


def loss_weights(params: Train) -> tuple[float, float]:
    """Of layer-wise attention's alignment, and of the class map's."""
    weights = {"attention": params.lambda_, "cam": params.cam_lambda}
    return tuple(weight if name in params.align else 0.0 for name, weight in weights.items())


def class_weights(train: Faces, params: Train) -> Tensor:
    """Of each class in the loss (K,): 1, or balanced, the inverse of its share, with a mean of 1 over the faces."""
    numbers = np.bincount(train.targets)
    balanced = len(train) / (len(numbers) * np.maximum(numbers, 1))
    return torch.from_numpy(balanced if params.class_weights == "balanced" else np.ones(len(numbers))).float()


def order(train: Faces, params: Train, seed: int, epoch: int) -> list[int]:
    """The items of an epoch: all in a random order, or as many drawn so that every class is as likely."""
    generator = torch.Generator().manual_seed(seed_of(seed, epoch, "order"))
    if params.sampling == "natural":
        return torch.randperm(len(train), generator=generator).tolist()
    likely = 1 / np.bincount(train.targets)[train.targets]
    return torch.multinomial(torch.from_numpy(likely), len(train), replacement=True, generator=generator).tolist()


def seed_of(*parts: object) -> int:
    """One of its own for everything that takes chance: neighbouring seeds share no epoch."""
    return int(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:15], 16)


def rank(metrics: dict[str, float]) -> tuple[float, float]:
    """Of an epoch's validation metrics: the largest is the best epoch. The cross-entropy decides: on the hundred faces of a
    small validation split accuracy is mostly luck, and the epoch that it chose did worse on others (by 0.7 points)."""
    return -metrics["cross_entropy"], metrics["accuracy"]


def stale(state: State, params: Train) -> bool:
    """Whether ``params.patience`` epochs brought nothing better."""
    return bool(params.patience and state.best and state.epoch - state.best["epoch"] >= params.patience)
