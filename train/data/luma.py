"""The grey values of an image."""

from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)  # Rec. 601 luma of RGB


def luma(images: Tensor) -> Tensor:
    """Grey value (B, 1, H, W) of RGB images (B, 3, H, W)."""
    return (images * images.new_tensor(WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
