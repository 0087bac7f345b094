"""Training crops as small as training needs them, kept in memory from epoch to epoch."""

from torch import Tensor
from torch.utils.data import Dataset

from pipeline.params import Train
from train.augment import shrunk
from train.data import Faces


class Kept(Dataset):
    """The items of ``faces``, their crops shrunk as the first step of every view shrinks them: the views stay the same.

    Crops stay once they are read, up to ``megabytes`` of them: later epochs neither decode nor shrink those again.
    """

    def __init__(self, faces: Faces, input_size: int, megabytes: int) -> None:
        self._faces = faces
        self._input_size = input_size
        self._room = megabytes * 10**6  # bytes left
        self._crops: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, bool, int, int]:
        crop = self._crops.get(index)
        if crop is None:
            crop = shrunk(self._faces.image(index)[None], self._input_size)[0]
            if crop.nbytes <= self._room:
                self._room -= crop.nbytes
                self._crops[index] = crop
        return self._faces.item(index, crop)

    @property
    def share(self) -> float:
        """Of all the crops, that there is room for; all are of one size."""
        kept = sum(crop.nbytes for crop in self._crops.values())
        each = self[0][0].nbytes
        return min(1.0, (kept + self._room) // each / len(self))


def source(faces: Faces, params: Train, reading: int) -> Faces | Kept:
    """What training reads: the processes that read beside it (``reading`` many) would keep crops each for itself, and end
    with the epoch."""
    return faces if reading else Kept(faces, params.input_size, params.memory)
