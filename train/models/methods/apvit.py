"""APViT: a small transformer over the most attended patches of a CNN (Xue et al. 2022, arXiv 2212.05463)."""

import math

import torch
from torch import Tensor, nn

from train.models.backbones import Features
from train.models.maps import attention
from train.models.methods.method import Method, Scores

WIDTH, HEADS, GROWTH = 256, 8, 3
PATCHES_KEPT = 160 / 196  # the paper's, of the CNN's patches
TOKENS_KEPT = (1.0, 1.0, 0.9, 0.9)  # by each block; the paper's eight keep all in the first half, too


class ApVit(Method):
    """Attentive patch pooling, transformer blocks with attentive token pooling, a linear layer on the class token. No maps.

    A patch's attention is the mean over its channels, which is also what the heatmaps guide: guided, the network goes on
    with the patches that the action units are in. The places of the patches are coded by sines, so that the input may have
    any size. The paper's transformer is wider, has eight blocks and starts from ImageNet's weights; this one starts from
    nothing and is kept light. A ``train.head_learning_rate`` of 3e-4 suits it, a tenth of what a linear layer takes.
    """

    def __init__(self, channels: tuple[int, ...], number_of_classes: int) -> None:
        super().__init__(channels, number_of_classes)
        self.embed = nn.Sequential(nn.Linear(channels[-1], WIDTH), nn.LayerNorm(WIDTH))  # as large as the codes of places
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, WIDTH))
        self.blocks = nn.ModuleList(Block(share) for share in TOKENS_KEPT)
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, number_of_classes)

    def forward(self, features: Features, targets: Tensor | None = None) -> Scores:
        last = features.layers[-1]
        patches = self.embed(last.flatten(2).transpose(1, 2))  # (B, h * w, WIDTH)
        patches = patches + places(*last.shape[2:], last.device)
        patches = most_attended(patches, attention(last).flatten(1), PATCHES_KEPT)
        tokens = torch.cat([self.class_token.expand(len(last), -1, -1), patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return Scores(self.linear(self.norm(tokens[:, 0])), None)


class Block(nn.Module):
    """A transformer block (normalised before each part) that goes on with ``kept`` of its patches after attention."""

    def __init__(self, kept: float) -> None:
        super().__init__()
        self.kept = kept
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_all = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, GROWTH * WIDTH), nn.GELU(), nn.Linear(GROWTH * WIDTH, WIDTH))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, 1 + n, WIDTH), the class token first; fewer come out."""
        found, weights = self.attend(self.norm1(tokens))
        tokens = tokens + found
        looked_at = weights[:, :, 0, 1:].mean(dim=1)  # by the class token, over the heads
        tokens = torch.cat([tokens[:, :1], most_attended(tokens[:, 1:], looked_at, self.kept)], dim=1)
        return tokens + self.mlp(self.norm2(tokens))

    def attend(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What each token takes from all (B, n, WIDTH), and the weights (B, HEADS, n, n)."""
        parts = self.to_all(tokens).unflatten(2, (3, HEADS, WIDTH // HEADS))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, HEADS, n, WIDTH / HEADS) each
        weights = (query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS)).softmax(dim=3)
        return self.project((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)), weights


def most_attended(tokens: Tensor, seen: Tensor, share: float) -> Tensor:
    """The share of the tokens (B, n, C), at least one, whose attention ``seen`` (B, n) is highest, in their order."""
    number = max(1, round(share * tokens.shape[1]))
    if number == tokens.shape[1]:
        return tokens
    chosen = torch.topk(seen.detach(), number, dim=1).indices.sort(dim=1).values
    return tokens.gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))


def places(height: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines (height * width, WIDTH) of each cell's row and column, at wavelengths that grow from one cell's
    radian to ten thousand (Vaswani et al. 2017, for two axes)."""
    speeds = 10000 ** (-torch.arange(WIDTH // 4, device=device) / (WIDTH // 4))
    codes = []
    for length in (height, width):
        angles = torch.arange(length, device=device)[:, None] * speeds
        codes.append(torch.cat([angles.sin(), angles.cos()], dim=1))
    rows, columns = codes
    both = torch.cat([rows[:, None].expand(-1, width, -1), columns.expand(height, -1, -1)], dim=2)
    return both.flatten(0, 1)
