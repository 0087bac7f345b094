"""The grey values of an image."""

from torch import Tensor

LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue (Rec. 601)


def luma(images: Tensor) -> Tensor:
    """Return the grey values (B, 1, H, W) of RGB images (B, 3, H, W), in the range of the images."""
    return (images * images.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
