"""How well attention and class activation maps (CAMs) agree with the heatmap of the true expression. Pure functions.

Heatmaps are (B, 1, H, W) in [0, 1], and what is compared with them are maps (B, 1, H, W) >= 0 of the same size, as
``attention_map`` and ``cam_map`` give them. A region is where a heatmap is at least REGION. Every metric is one number per
sample in [0, 1], and means nothing where a sample has no heatmap.
"""

import numpy as np
import torch
from torch import Tensor

from train.models.maps import normalise

REGION = 0.5  # of a heatmap, whose greatest value is 1: from there on a cell belongs to the region
ATTENDED = 0.5  # of a map from its minimum (0) to its maximum (1): from there on a cell counts as attended to
TOLERANCE = 15 / 224  # of the frame's side: 15 pixels of a network's usual input, as the pointing game has it
BINS = 15


def regions(heatmaps: Tensor) -> Tensor:
    """Where (bool) heatmaps are high."""
    return heatmaps >= REGION


def energy(maps: Tensor, regions: Tensor) -> Tensor:
    """Energy-based pointing game (B, R): the share of a map's sum that falls on each of R regions (B, R, H, W) (Wang et al.
    2020, arXiv 1910.01279, section 4.3); 0 for a map of zeros, as its cosine."""
    inside = torch.einsum("bhw,brhw->br", maps[:, 0], regions.to(maps.dtype))
    total = maps.sum(dim=(1, 2, 3))[:, None]
    return inside / total.masked_fill(total == 0, 1)


def concentration(maps: Tensor, regions: Tensor) -> Tensor:
    """How much denser than on average a map is on each of R regions (B, R, H, W): their ``energy`` by their share of the
    frame. 1 is what a constant map has; NaN where a region is empty."""
    area = regions.to(maps.dtype).mean(dim=(2, 3))
    return torch.where(area > 0, energy(maps, regions) / area, torch.nan)


def pointing(maps: Tensor, regions: Tensor, tolerance: float = TOLERANCE) -> Tensor:
    """Pointing game (B,): 1 where the map's maximum (of equals the first) lies on the region (B, 1, H, W), or at most
    ``tolerance`` times the frame's width from the centre of one of its cells (Zhang et al. 2018, arXiv 1608.00507). A
    constant map points nowhere."""
    height, width = maps.shape[2:]
    highest = maps.flatten(1).argmax(dim=1)
    y, x = torch.arange(height, device=maps.device)[:, None], torch.arange(width, device=maps.device)
    row, column = highest.div(width, rounding_mode="floor")[:, None, None], (highest % width)[:, None, None]
    near = (y - row) ** 2 + (x - column) ** 2 <= (tolerance * width) ** 2  # (B, H, W)
    varies = maps.flatten(1).amax(dim=1) > maps.flatten(1).amin(dim=1)
    return ((near & regions[:, 0]).flatten(1).any(dim=1) & varies).to(maps.dtype)


def overlap(maps: Tensor, regions: Tensor) -> Tensor:
    """Intersection over union (B,) of the region (B, 1, H, W) and of where the normalised map is at least ATTENDED."""
    attended = normalise(maps) >= ATTENDED
    union = (attended | regions).sum(dim=(1, 2, 3))
    return (attended & regions).sum(dim=(1, 2, 3)) / union.clamp(min=1)


def calibration(confidence: np.ndarray, right: np.ndarray) -> tuple[float, list[dict]]:
    """Expected calibration error of the predicted classes' probabilities (N,), and its bins (Guo et al. 2017, arXiv
    1706.04599, equation 3): the mean distance of accuracy and confidence over BINS bins of equal width, by their faces."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for index in np.unique(places):
        members = places == index
        found.append(
            {
                "from": index / BINS,
                "faces": int(members.sum()),
                "confidence": float(confidence[members].mean()),
                "accuracy": float(right[members].mean()),
            }
        )
    return sum(each["faces"] * abs(each["accuracy"] - each["confidence"]) for each in found) / len(right), found
