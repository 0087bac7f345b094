"""Faces and their heatmaps, streamed row by row from the parallel shards."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pipeline.runtime import executors
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from pipeline.shards import ShardSet

MOST_PROCESSES = 8  # that read for one that trains


@dataclass(frozen=True)
class Batch:
    """A batch as the shards hold it."""

    images: Tensor  # (B, 3, S, S) uint8 RGB crops
    heatmaps: Tensor  # (B, 1, n, n) uint8
    has_map: Tensor  # (B,) bool
    targets: Tensor  # (B,) int64 index into the classes
    rows: Tensor  # (B,) int64 row of the shard set

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; the copies do not wait for each other where the memory is pinned."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def pin_memory(self) -> "Batch":
        """The same in memory that a GPU can copy from (called by DataLoader)."""
        return Batch(*(getattr(self, field.name).pin_memory() for field in fields(self)))


class Faces(Dataset):
    """The faces of one split. Item i is its crop, heatmap, has_map, target and row; images load on access.

    ``classes`` maps a label to its integer by position; a label outside it is an error that names the face.
    """

    def __init__(self, faces: ShardSet, heatmaps: ShardSet, split: str, classes: tuple[str, ...]) -> None:
        self._faces = faces
        self._heatmaps = heatmaps
        columns = faces.columns("split", "status", "label")
        self.photos = int((columns["split"] == split).sum())
        self.rows = np.flatnonzero((columns["split"] == split) & (columns["status"] == "ok"))
        if not self.rows.size:
            raise InputError(f"{faces.folder} has no face in the {split} split: check ingest and detect")
        self.labels = columns["label"][self.rows]
        self.has_map, self._places = self._find_maps(heatmaps)
        unknown = sorted(set(self.labels) - set(classes))
        if unknown:
            face = faces.column("id")[self.rows[self.labels == unknown[0]][0]]
            raise InputError(f"face {face} has the label {unknown[0]}, but the classes are {', '.join(classes)}")
        self.targets = np.array([classes.index(label) for label in self.labels])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, bool, int, int]:
        return self.item(index, self.image(index))

    def item(self, index: int, image: Tensor) -> tuple[Tensor, Tensor, bool, int, int]:
        """The item with its crop as given."""
        row, has_map, target = int(self.rows[index]), bool(self.has_map[index]), int(self.targets[index])
        return image, self.heatmap(index)[None], has_map, target, row

    def image(self, index: int) -> Tensor:
        """The crop (3, S, S) uint8 RGB."""
        return torch.from_numpy(self._faces.crop(int(self.rows[index]))).permute(2, 0, 1)

    def heatmap(self, index: int) -> Tensor:
        """The map (n, n) uint8 of the face's label; zeros without one."""
        row, place = int(self.rows[index]), self._places[index]
        maps = torch.from_numpy(self._heatmaps.row("maps", row))
        if maps.ndim == 2:
            return maps
        return maps[place] if place >= 0 else torch.zeros_like(maps[0])

    def _find_maps(self, heatmaps: ShardSet) -> tuple[np.ndarray, np.ndarray]:
        """has_map (N,), and in maps per class the place of each face's label, -1 if it has none (N,)."""
        has_map = heatmaps.column("has_map")[self.rows]
        if heatmaps.kind == "heatmaps":
            return has_map, np.zeros(len(self), int)
        names = heatmaps.provenance["classes"]
        places = np.array([names.index(label) if label in names else -1 for label in self.labels])
        return (places >= 0) & has_map[np.arange(len(self)), places], places


def open_shards(faces_dir: Path, heatmaps_dir: Path) -> tuple[ShardSet, ShardSet]:
    """Both shard sets, after checking that the heatmaps were rendered from just these faces."""
    faces, heatmaps = ShardSet(faces_dir, "faces"), ShardSet(heatmaps_dir, "heatmaps", "class_heatmaps")
    if heatmaps.provenance["faces_sha256"] != faces.digest() or len(heatmaps) != len(faces):
        raise InputError(f"{heatmaps_dir} was not rendered from {faces_dir}: run `aucue heatmaps` again")
    return faces, heatmaps


def classes_of(faces: ShardSet) -> tuple[str, ...]:
    """The labels of the training split in alphabetical order: their positions are the trainer's only integers."""
    columns = faces.columns("split", "status", "label")
    labels = columns["label"][(columns["split"] == "train") & (columns["status"] == "ok")]
    return tuple(sorted(set(labels.tolist())))


class _Loader(DataLoader):
    """Says what is wrong with a file as it was said in the process that reads it."""

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from super().__iter__()
        except InputError as error:  # PyTorch puts the whole traceback into the message
            raise InputError(str(error).strip().splitlines()[-1].rpartition("Error: ")[2]) from error


def loader(faces: Dataset, batches: Sequence[Sequence[int]], workers: int = 0, pin: bool = False) -> DataLoader:
    """The batches whose items are given, each read and decoded by one of ``workers`` processes, or by this one. (A thread
    that reads ahead takes a core from PyTorch's: on two cores training was a sixth slower for it.)"""
    return _Loader(
        faces,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=pin,
        collate_fn=_collate,
        generator=torch.Generator(),  # of its own: else it draws from the global one, by which heads are initialised
    )


def reading_processes(params: Train, device: torch.device) -> int:
    """How many read and decode: ``auto`` are none on a CPU, where they would take from the training what they give."""
    if params.workers != "auto":
        return params.workers
    if device.type != "cuda":
        return 0
    return max(1, min(MOST_PROCESSES, executors.worker_count("auto") // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))


def in_batches(items: Sequence[int], size: int, rank: int = 0, ranks: int = 1) -> list[list[int]]:
    """``items`` in their order in batches of ``size``, the last perhaps smaller; of each the part of process ``rank``."""
    whole = [list(items[start : start + size]) for start in range(0, len(items), size)]
    return [batch[rank * len(batch) // ranks : (rank + 1) * len(batch) // ranks] for batch in whole]


def _collate(items: list[tuple[Tensor, Tensor, bool, int, int]]) -> Batch:
    images, heatmaps, has_map, targets, rows = zip(*items, strict=True)
    # Stacked as they are decoded, pixel by pixel, which is the layout that the network takes them in, too.
    pixels = torch.stack([image.permute(1, 2, 0) for image in images])  # (B, S, S, 3)
    return Batch(
        pixels.permute(0, 3, 1, 2), torch.stack(heatmaps), torch.tensor(has_map), torch.tensor(targets), torch.tensor(rows)
    )
