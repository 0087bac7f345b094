"""CutMix: a box of another face is pasted into each face, and into its heatmap (Yun et al., ICCV 2019)."""

import torch
from torch import Tensor

from train.data.augmentation import View
from train.models.methods.cam import Cam


class CutMix(Cam):
    """The method CAM, where every face of every training batch is mixed."""

    def mix(self, view: View, draws: Tensor) -> View:
        """Paste a box of another face of the batch into each face.

        Every image has its own partner, from this process's part of the batch, and its own box; the paper's code draws one
        box for all. The box covers the share 1 - lambda of the image, where lambda is Beta(1, 1), that is uniform. Its
        centre is uniform, and the border cuts it off.

        A mixed face has a map only if every image that is visible in it has one, and if any of the mixed heatmap is above
        zero. (Zeros for a part without a map would teach that the part shows nothing.)

        Args:
            view: A batch of B faces.
            draws: (B, 4) uniform in [0, 1): lambda, the row and the column of the box's centre, and the order of partners.
        """
        partner = draws[:, 3].argsort(stable=True)
        inside = boxes(draws, view.images.shape[-1])
        inside_heatmap = boxes(draws, view.heatmaps.shape[-1])
        mix_ratio = 1 - inside.float().mean(dim=(1, 2, 3))
        heatmaps = torch.where(inside_heatmap, view.heatmaps[partner], view.heatmaps)
        parts_have_maps = (view.has_map | (mix_ratio == 0)) & (view.has_map[partner] | (mix_ratio == 1))
        return View(
            images=torch.where(inside, view.images[partner], view.images),
            heatmaps=heatmaps,
            has_map=parts_have_maps & (heatmaps.amax(dim=(1, 2, 3)) > 0),
            targets=view.targets,
            mixed_targets=view.targets[partner],
            mix_ratio=mix_ratio,
        )


def boxes(draws: Tensor, size: int) -> Tensor:
    """Mark the cells whose centres are in each image's box, which is the same box at every resolution.

    Args:
        draws: (B, 4), as in ``CutMix.mix``.
        size: Height and width in cells.

    Returns:
        (B, 1, size, size) bool.
    """
    half = (1 - draws[:, 0]).sqrt() / 2  # of the image's side: the box's area is 1 - lambda
    centres = (torch.arange(size, device=draws.device) + 0.5) / size
    rows, columns = ((centres - middle[:, None]).abs() < half[:, None] for middle in (draws[:, 1], draws[:, 2]))
    return (rows[:, :, None] & columns[:, None, :])[:, None]
