"""CutMix: each face has a box of another one pasted in, and so has its heatmap (Yun et al., ICCV 2019)."""

import torch
from torch import Tensor

from train.data.augmentation import View
from train.models.methods.cam import Cam


class CutMix(Cam):
    """CAM, trained on mixed faces only (probability 1)."""

    def mix(self, view: View, draws: Tensor) -> View:
        """Every image has its own partner of the batch (of this process's part of it) and its own box; the paper's code
        draws one box for all. The box has the area that lambda leaves, lambda being Beta(1, 1), that is uniform, and a
        uniform centre; it is cut off at the border.

        A mixed heatmap is as good as its worse part: the result has a map if every image that is seen in it has one, and
        if any of it is left. (Zeros for a part without a map would teach that nothing is to be seen there.)
        """
        partner = draws[:, 3].argsort(stable=True)
        inside = boxes(draws, view.images.shape[-1])
        inside_heatmap = boxes(draws, view.heatmaps.shape[-1])
        share = 1 - inside.float().mean(dim=(1, 2, 3))
        heatmaps = torch.where(inside_heatmap, view.heatmaps[partner], view.heatmaps)
        known = (view.has_map | (share == 0)) & (view.has_map[partner] | (share == 1))
        return View(
            images=torch.where(inside, view.images[partner], view.images),
            heatmaps=heatmaps,
            has_map=known & (heatmaps.amax(dim=(1, 2, 3)) > 0),
            targets=view.targets,
            mixed_targets=view.targets[partner],
            mix_ratio=share,
        )


def boxes(draws: Tensor, size: int) -> Tensor:
    """The cells (B, 1, size, size) bool whose centres are in each image's box, which is the same at every resolution."""
    half = (1 - draws[:, 0]).sqrt() / 2  # of the side: the box's area is 1 - lambda
    place = (torch.arange(size, device=draws.device) + 0.5) / size
    rows, columns = ((place - centre[:, None]).abs() < half[:, None] for centre in (draws[:, 1], draws[:, 2]))
    return (rows[:, :, None] & columns[:, None, :])[:, None]
