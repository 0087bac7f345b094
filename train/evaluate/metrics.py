"""Metrics of how well attention and class activation maps (CAMs) agree with the heatmap of the true expression.

All functions are pure. Heatmaps are (B, 1, H, W) in [0, 1]. They are compared with maps (B, 1, H, W) >= 0 of the same
size, as ``attention_map`` and ``cam_map`` return them. ``train.data.regions`` defines the region of a heatmap.
Every metric is one number per sample in [0, 1]. No metric has a meaning for a sample without a heatmap.
"""

import numpy as np
import torch
from torch import Tensor

from train.models.maps import normalise

ATTENDED_THRESHOLD = 0.5  # of a map scaled to [0, 1]: a cell from this value on counts as attended to
POINTING_TOLERANCE = 15 / 224  # of the frame's side: 15 pixels of a network's usual input, as in the pointing game
CALIBRATION_BINS = 15


def pointing(maps: Tensor, regions: Tensor, tolerance: float = POINTING_TOLERANCE) -> Tensor:
    """Play the pointing game: does the maximum of a map lie on the region, or close to it?

    Source: Zhang et al. 2018, arXiv 1608.00507.

    Args:
        maps: (B, 1, H, W) >= 0. The first of several equal maxima counts. A constant map points nowhere.
        regions: (B, 1, H, W) bool.
        tolerance: Greatest distance of the maximum from the centre of a region's cell, as a fraction of the frame's width.

    Returns:
        (B,) 1 for a hit, 0 for a miss.
    """
    height, width = maps.shape[2:]
    highest = maps.flatten(1).argmax(dim=1)
    y, x = torch.arange(height, device=maps.device)[:, None], torch.arange(width, device=maps.device)
    row, column = highest.div(width, rounding_mode="floor")[:, None, None], (highest % width)[:, None, None]
    near = (y - row) ** 2 + (x - column) ** 2 <= (tolerance * width) ** 2  # (B, H, W)
    varies = maps.flatten(1).amax(dim=1) > maps.flatten(1).amin(dim=1)
    return ((near & regions[:, 0]).flatten(1).any(dim=1) & varies).to(maps.dtype)


def iou(maps: Tensor, regions: Tensor) -> Tensor:
    """Compute the intersection over union (B,) of regions (B, 1, H, W) and the cells that maps attend to.

    A map (B, 1, H, W) attends to a cell where the map, scaled to [0, 1], is at least ATTENDED_THRESHOLD.
    """
    attended = normalise(maps) >= ATTENDED_THRESHOLD
    union = (attended | regions).sum(dim=(1, 2, 3))
    return (attended & regions).sum(dim=(1, 2, 3)) / union.clamp(min=1)


def calibration(confidence: np.ndarray, correct: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """Compute the expected calibration error (ECE): the mean distance of accuracy and confidence over bins.

    Source: Guo et al. 2017, arXiv 1706.04599, equation 3. Bins have equal width and weigh by their number of faces.

    Args:
        confidence: (N,) probability of the predicted class, in [0, 1].
        correct: (N,) bool, whether the prediction is right.

    Returns:
        The error in [0, 1], and per bin that is not empty: ``from`` (its lower end), ``faces`` (their number), and the
        means ``confidence`` and ``accuracy``.
    """
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins: list[dict[str, float]] = []
    for index in np.unique(places):
        members = places == index
        bins.append(
            {
                "from": index / CALIBRATION_BINS,
                "faces": int(members.sum()),
                "confidence": float(confidence[members].mean()),
                "accuracy": float(correct[members].mean()),
            }
        )
    return sum(each["faces"] * abs(each["accuracy"] - each["confidence"]) for each in bins) / len(correct), bins
