"""Training crops as small as training needs them, kept in memory from epoch to epoch."""

import os

import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.runtime.parameters import Train
from train.data.augmentation import shrunk
from train.data.dataset import Faces


class CachedCrops(Dataset):
    """The items of ``faces``, their crops shrunk as the first step of every view on a CPU shrinks them: the views are the
    same to the bit.

    Crops stay once they are read, up to ``megabytes`` of them: they are neither decoded nor shrunk again.
    """

    def __init__(self, faces: Faces, input_size: int, megabytes: float) -> None:
        self._faces = faces
        self._input_size = input_size
        self._room = megabytes * 1e6  # bytes left
        self._crops: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, bool, int, int]:
        crop = self._crops.get(index)
        if crop is None:
            small = shrunk(self._faces.image(index)[None], self._input_size)[0]
            crop = small.permute(1, 2, 0).contiguous().permute(2, 0, 1)  # pixel by pixel, as batches are stacked
            if crop.nbytes <= self._room:
                self._room -= crop.nbytes
                self._crops[index] = crop
        return self._faces.item(index, crop)


def for_training(faces: Faces, params: Train, device: torch.device, reading: int) -> Faces | CachedCrops:
    """What training reads its faces from. Processes that read beside it (``reading`` many) end with the epoch, and what they
    kept with them; GPUs shrink on their own. Processes that train together on one machine share ``params.cache_megabytes``."""
    if reading or device.type != "cpu":
        return faces
    return CachedCrops(faces, params.input_size, params.cache_megabytes / int(os.environ.get("LOCAL_WORLD_SIZE", 1)))
