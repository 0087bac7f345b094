"""Render the regions of action units on faces, from their landmarks, with a codebook."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.codebook import Codebook
from pipeline.codebook.rendering.renderer import render_cues, to_frame
from pipeline.codebook.schema import ExpressionAU
from train.data.regions import heatmap_regions


def render_regions(
    book: Codebook, landmarks: np.ndarray, crop_size: int, cues: Sequence[Sequence[ExpressionAU]], size: int
) -> Tensor:
    """Render the joint region of each of C lists of action units on B faces.

    Args:
        book: The codebook.
        landmarks: (B, 68, 2), (x, y) in crop pixels.
        crop_size: Side of the crops in pixels.
        cues: C lists of action units.
        size: Side n of the regions in cells.

    Returns:
        (B, C, n, n) bool. The region of an empty list, or outside the crop, is empty.
    """
    masks = torch.zeros(len(landmarks), len(cues), size, size, dtype=torch.bool)
    placed = to_frame(landmarks.astype(float), crop_size, book.reference_size)
    sizes = np.full((len(landmarks), 2), float(book.reference_size))
    for place, each in enumerate(cues):
        if each:
            maps, _ = render_cues(placed, sizes, each, book, size)
            masks[:, place] = heatmap_regions(torch.from_numpy(maps))
    return masks
