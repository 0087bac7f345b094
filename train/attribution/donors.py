"""Donors: neutral faces that stand in for regions of other faces, to measure what a decision leans on."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from train.data.augmentation import whole_view
from train.data.dataset import Faces, neutral_class
from train.data.loading import BatchLoader, split_batches
from train.models.checkpoint import Config

POOL = 64  # most faces to draw from; they stay in memory
SEED = 1


class Donors:
    """Neutral faces, and the seeded choice of some for each face.

    Attributes:
        label: Their class.
        split: The split that they are of.
        count: Number of faces to draw from.
    """

    def __init__(self, faces: Faces, label: int, split: str, input_size: int, number: int) -> None:
        """Read the donors.

        Args:
            faces: The faces of a split.
            label: The neutral class, which one of them has at least.
            split: The name of the split.
            input_size: Side of the classifier's input in pixels.
            number: Number of donors to draw for each face.
        """
        members = np.flatnonzero(faces.targets == label)
        chosen = np.random.default_rng(SEED).permutation(members)[:POOL].tolist()
        batches = BatchLoader(faces, split_batches(sorted(chosen), POOL))
        self._images = torch.cat([whole_view(batch, input_size).images for batch in batches])
        self._number = number
        self.label = label
        self.split = split
        self.count = len(self._images)

    def draw(self, seeds: Sequence[int], device: torch.device) -> list[Tensor]:
        """Draw the donors of B faces.

        Args:
            seeds: (B,) numbers that decide the choice for each face.
            device: Where the images are needed.

        Returns:
            As many stacks (B, 3, H, W) in [0, 1] as there are donors for each face, as far as there are enough.
        """
        orders = np.stack([np.random.default_rng([SEED, seed]).permutation(self.count) for seed in seeds])
        return [self._images[order].to(device) for order in torch.from_numpy(orders).T[: self._number]]


def find_donors(train: Faces, validation: Faces | None, config: Config, number: int) -> Donors | None:
    """Find donors among the validation faces, which no training has changed, or else among the training faces.

    Args:
        train: The training faces.
        validation: The validation faces, or None without any.
        config: The config of the classifier: its classes, and the size of its input.
        number: Number of donors to draw for each face; 0 for none.

    Returns:
        The donors; None if no class is neutral, or none are wanted.
    """
    neutral = neutral_class(train, config.classes)
    if neutral is None or not number:
        return None
    for split, faces in (("validation", validation), ("train", train)):
        if faces and (faces.targets == neutral).any():
            return Donors(faces, neutral, split, config.train["input_size"], number)
    return None
