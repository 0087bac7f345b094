"""Action units' own regions on the test faces: is attention on those that an expression is made of, and on those that moved?

A region is where the map of an action unit alone, rendered from the face's landmarks by the codebook that made the heatmaps,
is at least ``metrics.REGION``.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.codebook.renderer import render_cues, to_frame
from pipeline.codebook.schema import ExpressionAU, split_key
from pipeline.runtime.errors import InputError
from pipeline.shards import ShardSet
from train.evaluate.metrics import concentration, energy, regions

MOVED = 0.25  # mean intensity of both sides from which a unit counts as moved; the demo's faces at rest show up to 0.12


class ActionUnitRegions:
    """The action units ``keys`` ("12", or "14R" for one side) that the expressions of a codebook name, and those with a
    region that any of the faces moved; none without a codebook."""

    def __init__(self, faces: ShardSet, codebook: Codebook | None, classes: tuple[str, ...], size: int) -> None:
        self._faces, self._codebook, self._size = faces, codebook, size
        cues = {name: {cue.au for cue in codebook.cues.get(name, ())} for name in classes} if codebook else {}
        self._moved = [moved_units(str(aus)) for aus in faces.column("aus")]
        keys = set().union(*cues.values())
        numbers = set().union(*self._moved) - {split_key(key)[0] for key in keys}
        keys |= {str(number) for number in numbers if codebook and str(number) in codebook.regions}
        self.keys = tuple(sorted(keys, key=split_key))
        self.names = [codebook.names[split_key(key)[0]] for key in self.keys]
        listed = [[key in cues.get(name, ()) for key in self.keys] for name in classes]
        self.listed = torch.tensor(listed, dtype=torch.bool).view(len(classes), len(self.keys))  # (K, U)

    def masks(self, rows: Sequence[int]) -> Tensor:
        """The regions (B, U, n, n) bool of some rows of the face shards; empty where one lies outside the frame."""
        masks = torch.zeros(len(rows), len(self.keys), self._size, self._size, dtype=torch.bool)
        if not self.keys:
            return masks
        book = self._codebook
        landmarks = np.stack([self._faces.row("landmarks", row) for row in rows]).astype(float)
        landmarks = to_frame(landmarks, self._faces.provenance["crop_size"], book.reference_size)
        sizes = np.full((len(rows), 2), float(book.reference_size))
        for place, key in enumerate(self.keys):
            maps, _ = render_cues(landmarks, sizes, [ExpressionAU(au=key)], book, self._size)
            masks[:, place] = regions(torch.from_numpy(maps))
        return masks

    def moved(self, rows: Sequence[int]) -> Tensor:
        """Which units (B, U) moved, as far as the dataset says."""
        hits = [[split_key(key)[0] in self._moved[row] for key in self.keys] for row in rows]
        return torch.tensor(hits, dtype=torch.bool).view(len(rows), len(self.keys))


def moved_units(aus: str) -> set[int]:
    """The FACS numbers in ``12=0.9/1.1 25=0.7/0.7`` (intensity at the subject's right and left side) that clearly moved."""
    pairs = (unit.split("=") for unit in aus.split())
    return {int(number) for number, sides in pairs if sum(map(float, sides.split("/"))) / 2 >= MOVED}


def measure(maps: Tensor, masks: Tensor, listed: Tensor, moved: Tensor) -> dict[str, Tensor]:
    """Of maps (B, 1, n, n), with the units' regions (B, U, n, n) and which of them each face's expression lists, and which
    of them moved (B, U). NaN where there is nothing to measure.

    ``units`` (B, U): concentration on each unit's region. ``moved`` (B,): concentration on the regions of all that moved,
    ``moved_energy`` (B,) the share of the map's sum there, ``moved_area`` (B,) their share of the frame. ``still`` (B,):
    concentration on what the expression lists and this face did not move, less what moved.
    """
    on_moved = (masks & moved[:, :, None, None]).any(dim=1, keepdim=True)
    still = (masks & listed[:, :, None, None]).any(dim=1, keepdim=True) & ~on_moved
    known = on_moved.flatten(1).any(dim=1)
    area = on_moved.to(maps.dtype).mean(dim=(1, 2, 3))
    found = {
        "moved": concentration(maps, on_moved)[:, 0],
        "moved_energy": energy(maps, on_moved)[:, 0],
        "moved_area": area,
        "still": concentration(maps, still)[:, 0],
    }
    return {"units": concentration(maps, masks)} | {
        name: torch.where(known, values, torch.nan) for name, values in found.items()
    }


def codebook_of(heatmaps: ShardSet, name_or_path: str | None) -> Codebook | None:
    """The codebook that the heatmaps were rendered by: the one given, or the one that comes with the package under the name
    in their stamp. None if neither means what the heatmaps' did."""
    for candidate in (name_or_path, heatmaps.provenance["codebook"]):
        try:
            book = codebooks.load(candidate) if candidate else None
        except InputError:
            continue
        if book and book.digest() == heatmaps.provenance["codebook_sha256"]:
            return book
    return None
