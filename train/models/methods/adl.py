"""ADL: dropout where the attention is, or none (Choe & Shim, CVPR 2019)."""

import torch
from torch import Tensor

from train.models.backbones import Features
from train.models.maps import attention
from train.models.methods.cam import Cam
from train.models.methods.method import Scores

DROP_RATE = 0.4  # how often the attended region is hidden, rather than everything weighted by importance
THRESHOLD = 0.1  # of a sample's highest attention: how far below it the hidden region reaches


class Adl(Cam):
    """CAM with an attention-based dropout layer behind each of the last two stages, in training only.

    Attention is the mean over the channels. For each batch and stage, chance takes either the drop mask, which keeps the
    cells whose attention is below gamma times their sample's highest, or the importance map, the sigmoid of the attention;
    the features are multiplied by it. The attention that is guided is the one that the mask is made of: after it, a layer
    would be pulled to cells that are hidden. Class maps, in training, are of the features that are left, as the logits are.

    The threshold of 0.1 is read as gamma = 1 - 0.1, one of the values of Choe & Shim, so that the peak is hidden. As gamma
    itself, 0.1 would hide everything: no cell of the pretrained dlib_resnet's stages 4 and 5 is that faint on a face.
    """

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        *layers, last = features.layers
        return super().forward(features._replace(layers=[*layers, self._left(last)]), targets)

    def layer_hook(self, layer: int, hidden: Tensor) -> Tensor:
        return self._left(hidden) if layer == 4 else hidden

    def _left(self, hidden: Tensor) -> Tensor:
        """What the dropout layer leaves of a stage's features (B, C, h, w)."""
        if not self.training:
            return hidden
        seen = attention(hidden)
        drop = torch.rand((), device=hidden.device) < DROP_RATE
        return hidden * torch.where(drop, drop_mask(seen), seen.sigmoid())


def drop_mask(seen: Tensor) -> Tensor:
    """1 where attention (B, 1, h, w) is below gamma times its sample's highest, 0 at the most attended cells."""
    return (seen < (1 - THRESHOLD) * seen.amax(dim=(2, 3), keepdim=True)).to(seen.dtype)
