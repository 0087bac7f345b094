"""dlib's face-recognition network in PyTorch, with the weights of dlib's own model file.

The network is a ResNet with 29 convolutions, whose affine layers are batch norms with their statistics folded in. Its input
is RGB faces of 150 x 150 pixels. On dlib's aligned face chips, ``Descriptor`` equals dlib's 128-d face descriptor.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.backbones.dlib_network_file import load_face_network
from train.models.backbones.features import Backbone, Features, LayerHook, unchanged

MEAN = (122.782, 117.001, 104.298)  # of RGB in 0..255, as dlib's input layer subtracts it
SCALE = 256.0
STEM = 32  # channels
STAGES = ((32, 3, 1), (64, 4, 2), (128, 3, 2), (256, 1, 2))  # channels, blocks, stride; dlib's has three more blocks of 256
DENSE_FROM = 2  # index of the first stage whose stride large_maps removes
EPSILON = 1e-5


class DlibResNet(Backbone):
    """The stem and four residual stages: layers 1 to 5.

    For 150 x 150 inputs, the layers are 72, 35, 17, 8 and 4 cells wide. With ``large_maps``, the last two stages are
    ``dense`` (see ``Block``) and their maps are 17 wide; each cell of a wide map is computed as the original network
    computes a cell. At input sizes at which no block has to pad, such as 131 or 227, layer 4 has the network's own values at
    every second cell, from the second on, and layer 5 at every fourth, from the fourth on. At other sizes, the values differ
    by the effect of the zeros at the borders.

    The trunk ends after the first block of 256 channels: at that width of the maps, each further block would cost a third
    of the time of everything before it.
    """

    mean: Tensor

    def __init__(self, large_maps: bool, pretrained: bool = True) -> None:
        super().__init__()
        self.has_folded_statistics = pretrained
        self.stem = nn.Sequential(nn.Conv2d(3, STEM, 7, stride=2), nn.BatchNorm2d(STEM, EPSILON), nn.ReLU())
        self.stages = nn.ModuleList()
        width, dilation = STEM, 1
        for number, (channels, blocks, stride) in enumerate(STAGES):
            dense = large_maps and number >= DENSE_FROM
            first = Block(width, channels, stride, dilation, dense)
            dilation *= stride if dense else 1
            rest = (Block(channels, channels, dilation=dilation) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(first, *rest))
            width = channels
        self.channels = (STEM, *(channels for channels, *_ in STAGES))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                module.bias.requires_grad_(False)  # batch norm removes a bias: its gradient would be rounding alone
        if pretrained:
            load_face_network(self)

    def forward(self, images: Tensor, layer_hook: LayerHook = unchanged) -> Features:
        """Compute the features of five layers; see ``Backbone.forward``."""
        layers = [self.stem((images * 255 - self.mean) / SCALE)]
        for layer, stage in enumerate(self.stages, start=1):
            hidden = layer_hook(layer, layers[-1])
            layers.append(stage(F.max_pool2d(hidden, kernel_size=3, stride=2) if layer == 1 else hidden))
        return Features(layers)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut without parameters.

    At stride 2, the first convolution is unpadded and the shortcut is a 2 x 2 mean. The smaller of the two results is
    zero-padded at the right and bottom, and the shortcut with zero channels, as dlib's add_prev does.

    A ``dense`` block was made for ``stride`` 2 but is computed at every cell instead of every second cell. The layers after
    it read cells twice as far apart (``dilation``), where they find the values that their weights were trained for (the
    algorithme à trous; Chen et al. 2018, arXiv 1606.00915). Residuals stay in their cell. Shortcuts come from half a
    ``dilation`` up and to the left.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1, dilation: int = 1, dense: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.dilation = dilation
        self.dense = dense
        step, reach = (1, dilation * stride) if dense else (stride, dilation)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, step, padding=dilation if step == 1 else 0, dilation=dilation)
        self.norm1 = nn.BatchNorm2d(channels, EPSILON)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach)
        self.norm2 = nn.BatchNorm2d(channels, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to features (B, C, h, w)."""
        residual = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        shortcut = self._shortcut(x)
        height = max(residual.shape[2], shortcut.shape[2])
        width = max(residual.shape[3], shortcut.shape[3])
        channels = residual.shape[1]
        return F.relu(_pad(residual, channels, height, width) + _pad(shortcut, channels, height, width))

    def _shortcut(self, x: Tensor) -> Tensor:
        """The block's input, or its 2 x 2 mean where the block has stride 2."""
        if self.stride == 1:
            return x
        if not self.dense:
            return F.avg_pool2d(x, 2)
        # The mean covers a cell and the cells before it, as the 2 x 2 mean lies at the start of the unpadded 3 x 3 window.
        far = self.dilation
        padded = F.pad(x, (far, 0, far, 0), mode="replicate")
        rows = padded[:, :, far:] + padded[:, :, :-far]
        return (rows[..., far:] + rows[..., :-far]) / 4


class Descriptor(nn.Module):
    """dlib's whole network: it turns RGB chips (B, 3, 150, 150) in [0, 1] into face descriptors (B, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = DlibResNet(large_maps=False, pretrained=False)
        self.rest = nn.Sequential(Block(256, 256), Block(256, 256), Block(256, 256, stride=2))
        self.project = nn.Linear(256, 128, bias=False)
        load_face_network(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the descriptors (B, 128) of chips (B, 3, 150, 150) in [0, 1]."""
        return self.project(self.rest(self.trunk(images).layers[-1]).mean(dim=(2, 3)))


def _pad(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Zero-pad features (B, C, h, w) at the right, the bottom and the last channels to the given sizes."""
    missing = (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1])
    return F.pad(x, missing) if any(missing) else x
