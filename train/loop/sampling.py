"""Sampling: the order in which a training sees the faces, and the weight of each class in the loss.

All randomness is derived from the seed and the number of the epoch. So a run can be resumed at any epoch.
"""

import hashlib
import json

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from pipeline.runtime.parameters import Train
from train.data.dataset import Faces


def class_weights(train: Faces, params: Train) -> Tensor:
    """Return the weight of each class in the loss: 1, or with ``class_weights: balanced`` the inverse of the class's share.

    Balanced weights are N / (K * count): their mean over the N faces is 1.

    Returns:
        (K,) float32.
    """
    classes = np.arange(train.targets.max() + 1)
    if params.class_weights == "none":
        return torch.ones(len(classes))
    from sklearn.utils.class_weight import compute_class_weight  # takes a second to import

    return torch.from_numpy(compute_class_weight("balanced", classes=classes, y=train.targets)).float()


def epoch_indices(train: Faces, params: Train, seed: int, epoch: int) -> list[int]:
    """Return the indices of an epoch's items in their order.

    With ``sampling: natural`` every item comes once, in random order. With ``sampling: balanced`` the same number of items
    is drawn with replacement, and every class is equally likely.

    Args:
        train: The faces of the training split.
        params: Its ``sampling`` is used.
        seed: Seed of the run.
        epoch: Number of the epoch, from 1.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, "order"))
    if params.sampling == "natural":
        return torch.randperm(len(train), generator=generator).tolist()
    weights = (1 / np.bincount(train.targets)[train.targets]).tolist()
    return list(WeightedRandomSampler(weights, len(train), generator=generator))


def derive_seed(*parts: object) -> int:
    """Derive a seed of 60 bits from plain data, as from the run's seed, the epoch and a purpose.

    Neighbouring seeds and epochs share no random numbers.
    """
    return int(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:15], 16)
