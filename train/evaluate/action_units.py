"""The regions of single action units (AUs) on the test faces, and how strongly maps concentrate on them.

The question is whether a map lies on the AUs that an expression consists of, and on those that moved. The region of an AU is
where its map, rendered alone from the face's landmarks by the codebook of the heatmaps, is at least
``regions.REGION_THRESHOLD``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.codebook.schema import ExpressionAU, split_key
from pipeline.runtime.errors import InputError
from pipeline.shards import ShardSet
from pipeline.shards.moved_aus import parse_moved_aus
from train.attribution.unit_regions import render_regions
from train.models.maps import concentration, energy

MOVED_INTENSITY = 0.25  # an AU counts as moved from this mean intensity of both sides; the demo's resting faces reach 0.12


class Coverage(NamedTuple):
    """How strongly maps of B faces concentrate on U action units. NaN stands where there is nothing to measure."""

    units: Tensor  # (B, U) concentration on the region of each unit
    moved: Tensor  # (B,) concentration on the regions of all units that moved
    moved_energy: Tensor  # (B,) share of the map's sum on these regions, in [0, 1]
    moved_area: Tensor  # (B,) share of the frame that these regions cover, in [0, 1]
    still: Tensor  # (B,) concentration on the regions that the expression lists and the face did not move


class ActionUnitRegions:
    """The U action units to measure, and their regions on faces.

    These are the units that the expressions of a codebook list, and those with a region in the codebook that any face moved.
    Without a codebook there are none.

    Attributes:
        codebook: The codebook, or None.
        keys: (U) a FACS number each, as "12", or with a side, as "14R".
        names: (U) their FACS names.
        listed: (K, U) bool, which class lists which unit.
    """

    def __init__(self, faces: ShardSet, codebook: Codebook | None, classes: tuple[str, ...], size: int) -> None:
        """Find the units of ``classes`` and ``faces``; their regions will have ``size`` cells a side."""
        self._faces, self._size, self.codebook, self._classes = faces, size, codebook, classes
        texts, self._moved_of = np.unique(faces.column("aus"), return_inverse=True)  # (rows,) place among the texts
        self._moved = [moved_units(text) for text in texts.tolist()]
        cues = {name: {cue.au for cue in codebook.cues.get(name, ())} for name in classes} if codebook else {}
        self.keys = self._find_keys(set().union(*cues.values()))
        self.names = [codebook.names[split_key(key)[0]] for key in self.keys] if codebook else []
        listed = [[key in cues.get(name, ()) for key in self.keys] for name in classes]
        self.listed = torch.tensor(listed, dtype=torch.bool).view(len(classes), len(self.keys))

    def _find_keys(self, listed: set[str]) -> tuple[str, ...]:
        """The listed keys, then also each unit that a face moved and that no listed key covers; ordered by their numbers."""
        moved = set().union(*self._moved) - {split_key(key)[0] for key in listed}
        regions = self.codebook.regions if self.codebook else {}
        return tuple(sorted(listed | {str(number) for number in moved if str(number) in regions}, key=split_key))

    def masks(self, rows: Sequence[int]) -> Tensor:
        """Render the regions (B, U, n, n) bool of some rows of the face shards; those outside the frame are empty."""
        return self._render(rows, [[ExpressionAU(au=key)] for key in self.keys])

    def of_expressions(self, rows: Sequence[int]) -> Tensor:
        """Render the joint regions (B, K, n, n) bool of each class on some rows; those of a class without any are empty."""
        cues = self.codebook.cues if self.codebook else {}
        return self._render(rows, [cues.get(name, ()) for name in self._classes])

    def _render(self, rows: Sequence[int], cues: Sequence[Sequence[ExpressionAU]]) -> Tensor:
        """The regions (B, C, n, n) bool of C lists of cues on some rows of the face shards."""
        if self.codebook is None or not any(cues):
            return torch.zeros(len(rows), len(cues), self._size, self._size, dtype=torch.bool)
        landmarks = np.stack([self._faces.row("landmarks", row) for row in rows])
        return render_regions(self.codebook, landmarks, self._faces.provenance["crop_size"], cues, self._size)

    def moved(self, rows: Sequence[int]) -> Tensor:
        """Tell which units (B, U) bool moved on some rows of the face shards; no unit, if the dataset does not say."""
        hits = [[split_key(key)[0] in self._moved[self._moved_of[row]] for key in self.keys] for row in rows]
        return torch.tensor(hits, dtype=torch.bool).view(len(rows), len(self.keys))


def moved_units(aus: str) -> set[int]:
    """Return the FACS numbers of the action units whose mean intensity is at least MOVED_INTENSITY.

    Args:
        aus: The column ``aus`` of a face, as ``pipeline.shards.moved_aus`` writes it.
    """
    return {number for number, (right, left) in parse_moved_aus(aus).items() if (right + left) / 2 >= MOVED_INTENSITY}


def measure_coverage(maps: Tensor, masks: Tensor, listed: Tensor, moved: Tensor) -> Coverage:
    """Measure how strongly maps concentrate on action units.

    Args:
        maps: (B, 1, n, n) >= 0.
        masks: (B, U, n, n) bool, the units' regions. A cell of a moved unit does not count as still.
        listed: (B, U) bool, which units the face's expression lists.
        moved: (B, U) bool, which units the face moved.

    Returns:
        The measures; all but ``units`` are NaN for a face without any moved region.
    """
    on_moved = (masks & moved[:, :, None, None]).any(dim=1, keepdim=True)
    on_still = (masks & listed[:, :, None, None]).any(dim=1, keepdim=True) & ~on_moved
    known = on_moved.flatten(1).any(dim=1)
    measures = (
        concentration(maps, on_moved)[:, 0],
        energy(maps, on_moved)[:, 0],
        on_moved.to(maps.dtype).mean(dim=(1, 2, 3)),
        concentration(maps, on_still)[:, 0],
    )
    return Coverage(concentration(maps, masks), *(torch.where(known, values, torch.nan) for values in measures))


def find_codebook(heatmaps: ShardSet, name_or_path: str | None) -> Codebook | None:
    """Find the codebook that heatmaps were rendered by, which their provenance identifies by its digest.

    Args:
        heatmaps: The heatmap shards.
        name_or_path: The codebook to try first. The second is the package's, of the name in the provenance.

    Returns:
        The codebook; None if neither has the digest.
    """
    for candidate in (name_or_path, heatmaps.provenance["codebook"]):
        try:
            book = codebooks.load(candidate) if candidate else None
        except InputError:
            continue
        if book and book.digest() == heatmaps.provenance["codebook_sha256"]:
            return book
    return None
