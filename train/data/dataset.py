"""The faces of a split with their heatmaps, read row by row from the parallel shards."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet
from pipeline.shards.reader import CROP_COLUMNS
from train.data.transport import received, shared_or_bytes

NEUTRAL = "neutral"
Item = tuple[Tensor, Tensor, bool, int, int]  # crop, heatmap, has_map, target and row of a face: one row of a Batch


@dataclass(frozen=True)
class Batch:
    """Faces and heatmaps with the pixel values that the shards hold."""

    images: Tensor  # (B, 3, S, S) uint8 RGB crops
    heatmaps: Tensor  # (B, 1, n, n) uint8
    has_map: Tensor  # (B,) bool
    targets: Tensor  # (B,) int64 index into the classes
    rows: Tensor  # (B,) int64 row of the shard set

    def to(self, device: torch.device) -> "Batch":
        """Copy the batch to a device. The copies run at the same time if the memory is pinned."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def record_stream(self, stream: torch.cuda.Stream) -> None:
        """Keep the batch's memory on a GPU until the work that ``stream`` has queued so far is done."""
        for field in fields(self):
            getattr(self, field.name).record_stream(stream)

    def __reduce__(self) -> tuple[Callable[..., "Batch"], tuple[Tensor | np.ndarray, ...]]:
        """Carry the batch to another process (see ``train.data.transport``)."""
        images, heatmaps, *others = (getattr(self, field.name) for field in fields(self))
        pixels = shared_or_bytes(images.permute(0, 2, 3, 1))  # (B, S, S, 3): images are stored pixel by pixel
        return _received_batch, (pixels, *(values.numpy() for values in (heatmaps, *others)))

    def pin_memory(self) -> "Batch":
        """Copy the batch into page-locked memory, from which a GPU copies faster. DataLoader calls this method."""
        return Batch(*(getattr(self, field.name).pin_memory() for field in fields(self)))


def _received_batch(pixels: Tensor | np.ndarray, *others: np.ndarray) -> Batch:
    """Make the batch that another process sent. The layout of its images in memory is the same: sums depend on it."""
    return Batch(received(pixels).permute(0, 3, 1, 2), *map(torch.from_numpy, others))


class Faces(Dataset):
    """The faces of one split. An item is read from the shards when it is accessed.

    Attributes:
        photos: Number of photos in the split, those without a face included.
        rows: (N,) int, the row of each face in the shards.
        labels: (N,) str.
        targets: (N,) int, the position of each label in the classes.
        has_map: (N,) bool, whether the face has a heatmap.
    """

    def __init__(
        self, faces: ShardSet, heatmaps: ShardSet, split: str, classes: tuple[str, ...], *, drop_others: bool = False
    ) -> None:
        """Find the faces of a split.

        Args:
            faces: The face shards.
            heatmaps: The heatmap shards of these faces, with one map per face or one per class.
            split: ``train``, ``validation`` or ``test``.
            classes: The labels. The position of a label is its target.
            drop_others: Whether to leave out photos of other labels, which are an error otherwise.

        Raises:
            InputError: If the split has no face, or a face has a label that is not among the classes.
        """
        self._faces = faces
        self._heatmaps = heatmaps
        columns = faces.columns("split", "status", "label")
        members = columns["split"] == split
        if drop_others:
            members &= np.isin(columns["label"], classes)
        self.photos = int(members.sum())
        self.rows = np.flatnonzero(members & (columns["status"] == Status.OK))
        if not self.rows.size:
            raise InputError(f"{faces.folder} has no face in the {split} split: check ingest and detect")
        self.labels = columns["label"][self.rows]
        self.has_map, self._places = self._find_maps(heatmaps)
        self.targets = _positions(self.labels, classes)
        if (self.targets < 0).any():
            unknown = min(self.labels[self.targets < 0].tolist())
            face = faces.column("id")[self.rows[self.labels == unknown][0]]
            raise InputError(
                f"face {face} has the label {unknown}, but the classes are {', '.join(classes)}: "
                "train on faces of this label, or remove the face"
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        return self.item(index, self.image(index))

    def check(self) -> None:
        """Check the shards of these faces once for all processes that will read them.

        Processes that train together on this machine share the work.

        Raises:
            InputError: If a shard is damaged, or cannot be read.
        """
        part, parts = local_rank_and_size()
        self._faces.check(CROP_COLUMNS, self.rows, part, parts)
        self._heatmaps.check(["maps"], self.rows, part, parts)

    def item(self, index: int, image: Tensor) -> Item:
        """Return the item at ``index`` with ``image`` as its crop."""
        row, has_map, target = int(self.rows[index]), bool(self.has_map[index]), int(self.targets[index])
        return image, self.heatmap(index)[None], has_map, target, row

    def image(self, index: int) -> Tensor:
        """Read the crop (3, S, S) uint8, RGB."""
        return torch.from_numpy(self._faces.crop(int(self.rows[index]))).permute(2, 0, 1)

    def heatmap(self, index: int) -> Tensor:
        """Read the map (n, n) uint8 of the face's label. It is zero if there is none."""
        row, place = int(self.rows[index]), self._places[index]
        maps = torch.from_numpy(self._heatmaps.row("maps", row))
        if maps.ndim == 2:
            return maps
        return maps[place] if place >= 0 else torch.zeros_like(maps[0])

    def _find_maps(self, heatmaps: ShardSet) -> tuple[np.ndarray, np.ndarray]:
        """Find has_map (N,) bool and, for maps per class, the place (N,) of each label's map; -1 for a label without one."""
        has_map = heatmaps.column("has_map")[self.rows]
        if heatmaps.kind == "heatmaps":
            return has_map, np.zeros(len(self), int)
        names = heatmaps.provenance["classes"]
        places = _positions(self.labels, names)
        return (places >= 0) & has_map[np.arange(len(self)), places], places


def local_rank_and_size() -> tuple[int, int]:
    """Return this process's number among those that train together on this machine, and their number.

    A process that trains alone is the first of one, whatever a shell has left in the environment.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return 0, 1
    return int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def _positions(labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Find the position (N,) of each label (N,) among the names; -1 for a label that is not among them."""
    positions = np.full(len(labels), -1)
    for position, name in enumerate(names):
        positions[labels == name] = position
    return positions


def open_shards(faces_dir: Path, heatmaps_dir: Path) -> tuple[ShardSet, ShardSet]:
    """Open the face shards and the heatmap shards that were rendered from these faces.

    Args:
        faces_dir: Folder of face shards.
        heatmaps_dir: Folder of heatmap shards, with one map per face or one per class.

    Raises:
        InputError: If either set is incomplete, or the heatmaps were rendered from other faces.
    """
    faces, heatmaps = ShardSet(faces_dir, "faces"), ShardSet(heatmaps_dir, "heatmaps", "class_heatmaps")
    if heatmaps.provenance["faces_sha256"] != faces.digest() or len(heatmaps) != len(faces):
        raise InputError(f"{heatmaps_dir} was not rendered from {faces_dir}: run `aucue heatmaps` again")
    return faces, heatmaps


def count_faces(faces: ShardSet) -> Counter[tuple[str, str]]:
    """Count the faces by label and split."""
    columns = faces.columns("split", "status", "label")
    ok = columns["status"] == Status.OK
    return Counter(zip(columns["label"][ok].tolist(), columns["split"][ok].tolist(), strict=True))


def training_classes(faces: ShardSet) -> tuple[str, ...]:
    """Return the labels of the training split in alphabetical order. A label's position is its target everywhere."""
    return tuple(sorted({label for label, split in count_faces(faces) if split == "train"}))


def neutral_class(train: Faces, classes: tuple[str, ...]) -> int | None:
    """Find the class of faces without action units: no training face of it has a heatmap.

    Args:
        train: The training faces.
        classes: The labels.

    Returns:
        Its position among the classes. Of several such classes, it is the one named neutral. None if there is no such class.
    """
    without = [index for index in range(len(classes)) if not train.has_map[train.targets == index].any()]
    without = [index for index in without if (train.targets == index).any()]
    named = [index for index in without if classes[index] == NEUTRAL]
    return (named or without)[0] if named or len(without) == 1 else None
