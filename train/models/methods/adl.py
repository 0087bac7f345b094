"""ADL: dropout of the most attended region, or weighting by attention (Choe & Shim, CVPR 2019)."""

import torch
from torch import Tensor

from train.models.backbones import Features
from train.models.maps import attention
from train.models.methods.cam import Cam
from train.models.methods.method import Scores

DROP_RATE = 0.4  # probability of dropping the most attended region instead of weighting everything by importance
THRESHOLD = 0.1  # of a sample's highest attention: how far below it the dropped region reaches


class Adl(Cam):
    """CAM with an attention-based dropout layer after each of the last two stages, in training only.

    Attention is the mean over the channels. For each batch and stage, chance picks the drop mask or the importance map, and
    the features are multiplied by it. The drop mask keeps the cells whose attention is below gamma times their sample's
    highest. The importance map is the sigmoid of the attention.

    The guided attention is the attention that the mask is computed from. Guidance after the mask would pull a layer towards
    cells that are dropped. In training, class maps and logits are of the features after the dropout layer.

    The threshold of 0.1 is read as gamma = 1 - 0.1, one of the values of Choe & Shim, so that the peak is dropped. A gamma
    of 0.1 would drop everything: no cell of the pretrained dlib_resnet's stages 4 and 5 is that faint on a face.
    """

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        """Score the classes from the last layer after dropout; see ``Method.forward``."""
        *layers, last = features.layers
        return super().forward(features._replace(layers=[*layers, self._drop(last)]), targets)

    def layer_hook(self, layer: int, hidden: Tensor) -> Tensor:
        """Apply the dropout layer after layer 4; see ``Method.layer_hook``."""
        return self._drop(hidden) if layer == 4 else hidden

    def _drop(self, hidden: Tensor) -> Tensor:
        """Apply the dropout layer to a stage's features (B, C, h, w)."""
        if not self.training:
            return hidden
        weights = attention(hidden)
        drop = torch.rand((), device=hidden.device) < DROP_RATE
        return hidden * torch.where(drop, drop_mask(weights), weights.sigmoid())


def drop_mask(weights: Tensor) -> Tensor:
    """The drop mask (B, 1, h, w) of attention (B, 1, h, w): 0 at the most attended cells of each sample, 1 elsewhere."""
    return (weights < (1 - THRESHOLD) * weights.amax(dim=(2, 3), keepdim=True)).to(weights.dtype)
