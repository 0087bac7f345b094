"""Training crops, shrunk to the size that training needs and kept in memory from epoch to epoch."""

import os

import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.runtime.parameters import Train
from train.data.augmentation import shrink
from train.data.dataset import Faces, Item


class CachedCrops(Dataset):
    """The items of ``faces`` with their crops shrunk, and kept in memory once they are read.

    The crops are shrunk exactly as the first step of every view shrinks them on a CPU. So the views are the same to the bit.
    A crop in memory is neither decoded nor shrunk again.
    """

    def __init__(self, faces: Faces, input_size: int, megabytes: float) -> None:
        """Start with an empty cache.

        Args:
            faces: The faces to read.
            input_size: Side of the network's input in pixels.
            megabytes: Memory for the crops (1 MB is 10^6 bytes). A crop that does not fit is read every time.
        """
        self._faces = faces
        self._input_size = input_size
        self._bytes_left = megabytes * 1e6
        self._crops: dict[int, Tensor] = {}

    def check(self) -> None:
        """Check the shards of the faces (see ``Faces.check``)."""
        self._faces.check()

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, index: int) -> Item:
        crop = self._crops.get(index)
        if crop is None:
            small = shrink(self._faces.image(index)[None], self._input_size)[0]
            crop = small.permute(1, 2, 0).contiguous().permute(2, 0, 1)  # channels last, as batches are stacked
            if crop.nbytes <= self._bytes_left:
                self._bytes_left -= crop.nbytes
                self._crops[index] = crop
        return self._faces.item(index, crop)


def training_dataset(faces: Faces, params: Train, device: torch.device, workers: int) -> Faces | CachedCrops:
    """Return the dataset that training reads: the faces with cached crops if the cache helps, and else the faces themselves.

    The cache helps if the training process reads for itself and trains on a CPU. Each worker process would keep crops of its
    own, and meets other faces in each epoch. A GPU shrinks the crops itself.

    Args:
        faces: The faces of the training split.
        params: Its ``cache_megabytes`` are shared by all processes that train together on this machine.
        device: The device of the training.
        workers: Number of processes that read for this process.
    """
    if workers or device.type != "cpu":
        return faces
    return CachedCrops(faces, params.input_size, params.cache_megabytes / int(os.environ.get("LOCAL_WORLD_SIZE", 1)))
