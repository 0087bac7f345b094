"""APViT: a small transformer over the most attended patches of a CNN (Xue et al. 2022, arXiv 2212.05463)."""

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.maps import attention
from train.models.methods.method import Method, Scores

WIDTH, HEADS, MLP_RATIO = 256, 8, 3
PATCHES_KEPT = 160 / 196  # of the CNN's patches; the paper's ratio
TOKENS_KEPT = (1.0, 1.0, 0.9, 0.9)  # by each block; the paper's eight blocks keep all tokens in the first half, too
FORMER_NAMES = {  # of a block's weights, in checkpoints that an earlier version wrote
    "to_all.weight": "attention.in_proj_weight",
    "to_all.bias": "attention.in_proj_bias",
    "project.weight": "attention.out_proj.weight",
    "project.bias": "attention.out_proj.bias",
}


class ApVit(Method):
    """Attentive patch pooling, transformer blocks with attentive token pooling, and a linear layer on the class token.

    The method has no class maps. A patch's attention is the mean over its channels. The heatmaps guide the same attention:
    a guided network keeps the patches that contain the action units. Sines encode the positions of the patches, so that the
    input may have any size.

    The paper's transformer is wider, has eight blocks and starts from ImageNet weights. This transformer is small and starts
    from random weights. A ``train.head_learning_rate`` of 3e-4 suits it, a tenth of the rate that suits a linear layer.
    """

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        # The norm makes the embeddings as large as the position codes.
        self.embed = nn.Sequential(nn.Linear(channels[-1], WIDTH), nn.LayerNorm(WIDTH))
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, WIDTH))
        self.blocks = nn.ModuleList(Block(kept) for kept in TOKENS_KEPT)
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:  # noqa: ARG002 (Method's signature)
        """Score the classes from the class token; see ``Method.forward``."""
        last = features.layers[-1]
        patches = self.embed(last.flatten(2).transpose(1, 2))  # (B, h * w, WIDTH)
        height, width = last.shape[2:]
        patches = patches + position_codes(height, width, last.device)
        patches = most_attended(patches, attention(last).flatten(1), PATCHES_KEPT)
        tokens = torch.cat([self.class_token.expand(len(last), -1, -1), patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return Scores(self.linear(self.norm(tokens[:, 0])), None)


class Block(nn.Module):
    """A transformer block that drops patches between its attention and its MLP. Layer norms precede both parts."""

    def __init__(self, kept: float) -> None:
        """``kept`` is the share of the patches, in (0, 1], that the block keeps."""
        super().__init__()
        self.kept = kept
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.utils.skip_init(nn.MultiheadAttention, WIDTH, HEADS, batch_first=True)
        for values in self.attention.parameters():  # as nn.Linear does, in its order: trainings stay what they were
            nn.init.uniform_(values, -(WIDTH**-0.5), WIDTH**-0.5)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, MLP_RATIO * WIDTH), nn.GELU(), nn.Linear(MLP_RATIO * WIDTH, WIDTH))
        self.register_load_state_dict_pre_hook(_rename_former_weights)

    def forward(self, tokens: Tensor) -> Tensor:
        """Apply the block.

        Args:
            tokens: (B, 1 + n, WIDTH), the class token first.

        Returns:
            (B, 1 + m, WIDTH): the class token and the m = max(1, round(kept * n)) patches that it attends to most.
        """
        normed = self.norm1(tokens)
        attended, weights = self.attention(normed, normed, normed, need_weights=True)  # weights: the mean over the heads
        tokens = tokens + attended
        patches = most_attended(tokens[:, 1:], weights[:, 0, 1:], self.kept)
        tokens = torch.cat([tokens[:, :1], patches], dim=1)
        return tokens + self.mlp(self.norm2(tokens))


def _rename_former_weights(_block: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Give weights of an earlier version their present names before a block loads them."""
    for former, present in FORMER_NAMES.items():
        if prefix + former in state:
            state[prefix + present] = state.pop(prefix + former)


def most_attended(tokens: Tensor, weights: Tensor, kept: float) -> Tensor:
    """Keep the tokens with the highest attention, in their order.

    Args:
        tokens: (B, n, C).
        weights: (B, n), each token's attention. It gets no gradient.
        kept: Share of the tokens to keep, in (0, 1]; at least one token is kept.

    Returns:
        (B, max(1, round(kept * n)), C).
    """
    number = max(1, round(kept * tokens.shape[1]))
    if number == tokens.shape[1]:
        return tokens
    chosen = torch.topk(weights.detach(), number, dim=1).indices.sort(dim=1).values
    return tokens.gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))


def position_codes(height: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines (height * width, WIDTH) of each cell's row and column (Vaswani et al. 2017, for two axes).

    The angle per cell falls geometrically, from one radian towards a ten-thousandth.
    """
    speeds = 10000 ** (-torch.arange(WIDTH // 4, device=device) / (WIDTH // 4))
    codes = []
    for length in (height, width):
        angles = torch.arange(length, device=device)[:, None] * speeds
        codes.append(torch.cat([angles.sin(), angles.cos()], dim=1))
    rows, columns = codes
    both = torch.cat([rows[:, None].expand(-1, width, -1), columns.expand(height, -1, -1)], dim=2)
    return both.flatten(0, 1)
