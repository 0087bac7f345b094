"""Which faces a training sees in which order, and how much each class counts.

All randomness is derived from the seed and the number of the epoch, so that a run can go on at any epoch.
"""

import hashlib
import json

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from pipeline.runtime.parameters import Train
from train.data.dataset import Faces


def class_weights(train: Faces, params: Train) -> Tensor:
    """The weight (K,) float32 of each class in the loss.

    It is 1, or with ``class_weights: balanced`` the inverse of the class's share: the mean over the faces is 1.
    """
    classes = np.arange(train.targets.max() + 1)
    kind = "balanced" if params.class_weights == "balanced" else None
    return torch.from_numpy(compute_class_weight(kind, classes=classes, y=train.targets)).float()


def epoch_indices(train: Faces, params: Train, seed: int, epoch: int) -> list[int]:
    """The items of an epoch in their order.

    With ``sampling: natural`` every item comes once, in random order. With ``balanced`` as many are drawn with replacement,
    every class being equally likely.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, "order"))
    if params.sampling == "natural":
        return torch.randperm(len(train), generator=generator).tolist()
    weights = (1 / np.bincount(train.targets)[train.targets]).tolist()
    return list(WeightedRandomSampler(weights, len(train), generator=generator))


def derive_seed(*parts: object) -> int:
    """A seed of its own for everything that uses randomness: neighbouring seeds and epochs share no random numbers."""
    return int(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:15], 16)
