"""The region of a heatmap: the cells that belong to its action units."""

from torch import Tensor

REGION_THRESHOLD = 0.5  # of a heatmap, whose maximum is 1: a cell from this value on belongs to the region


def heatmap_regions(heatmaps: Tensor) -> Tensor:
    """Return the mask (bool, same shape) of the cells where heatmaps, in [0, 1], are at least REGION_THRESHOLD."""
    return heatmaps >= REGION_THRESHOLD
