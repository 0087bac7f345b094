import math

import pytest
import torch

from train.models.backbones import Features
from train.models.methods import apvit


@pytest.fixture
def method():
    torch.manual_seed(0)
    return apvit.ApVit((4, 6, 8, 10, 12), 3).eval()


def test_keeps_the_most_attended_in_their_order():
    tokens = torch.arange(10.0).view(2, 5, 1)
    weights = torch.tensor([[0.1, 0.5, 0.3, 0.2, 0.4], [9.0, 1.0, 8.0, 2.0, 7.0]])
    assert apvit.most_attended(tokens, weights, 0.6).flatten(1).tolist() == [[1, 2, 4], [5, 7, 9]]
    assert apvit.most_attended(tokens, weights, 0.01).flatten(1).tolist() == [[1], [5]]
    assert apvit.most_attended(tokens, weights, 1.0) is tokens


def test_the_least_attended_patches_do_not_matter(method):
    last = torch.rand(1, 12, 7, 7) + 1
    last[:, :, 0] = 0.1 * torch.rand(1, 12, 7)  # 7 of 49 patches; 40 are kept
    logits = method(Features([last])).logits
    changed = last.clone()
    changed[:, :, 0] = 0.1 * torch.rand(1, 12, 7)
    torch.testing.assert_close(method(Features([changed])).logits, logits, rtol=0, atol=0)
    changed[:, :, 3] += 1
    assert not torch.allclose(method(Features([changed])).logits, logits)


def test_blocks_keep_fewer_and_fewer_tokens(method):
    numbers = []
    for block in method.blocks:
        block.register_forward_hook(lambda block, inputs, output: numbers.append((inputs[0].shape[1], output.shape[1])))
    method(Features([torch.rand(1, 12, 14, 14)]))
    assert numbers == [(161, 161), (161, 161), (161, 145), (145, 131)]


def test_a_block_keeps_what_its_class_token_looks_at():
    torch.manual_seed(0)
    block, tokens = apvit.Block(0.5), torch.randn(1, 5, apvit.WIDTH)
    normed = block.norm1(tokens)
    attended, weights = block.attention(normed, normed, normed, average_attn_weights=False)
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(1, apvit.HEADS, 5))
    best = weights[0, :, 0, 1:].mean(dim=0).topk(2).indices.sort().values + 1
    expected = (tokens + attended)[:, [0, *best.tolist()]]
    torch.testing.assert_close(block(tokens), expected + block.mlp(block.norm2(expected)))


class FormerBlock(torch.nn.Module):
    """The block as an earlier version wrote it by hand: its weights' names, their initial values and its results."""

    def __init__(self, kept):
        super().__init__()
        self.kept = kept
        self.norm1, self.norm2 = torch.nn.LayerNorm(apvit.WIDTH), torch.nn.LayerNorm(apvit.WIDTH)
        self.to_all = torch.nn.Linear(apvit.WIDTH, 3 * apvit.WIDTH)
        self.project = torch.nn.Linear(apvit.WIDTH, apvit.WIDTH)
        widths = (apvit.WIDTH, apvit.MLP_RATIO * apvit.WIDTH)
        self.mlp = torch.nn.Sequential(torch.nn.Linear(*widths), torch.nn.GELU(), torch.nn.Linear(*reversed(widths)))

    def forward(self, tokens):
        parts = self.to_all(self.norm1(tokens)).unflatten(2, (3, apvit.HEADS, apvit.WIDTH // apvit.HEADS))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) / math.sqrt(apvit.WIDTH // apvit.HEADS)).softmax(dim=3)
        tokens = tokens + self.project((weights @ value).transpose(1, 2).flatten(2))
        patches = apvit.most_attended(tokens[:, 1:], weights[:, :, 0, 1:].mean(dim=1), self.kept)
        tokens = torch.cat([tokens[:, :1], patches], dim=1)
        return tokens + self.mlp(self.norm2(tokens))


@pytest.mark.parametrize("kept", [1.0, 0.5])
@pytest.mark.parametrize("training", [True, False])
def test_a_block_reads_former_weights_and_gives_the_former_result(kept, training):
    torch.manual_seed(0)
    former, tokens = FormerBlock(kept).train(training), torch.randn(2, 9, apvit.WIDTH)
    block = apvit.Block(kept).train(training)
    block.load_state_dict(former.state_dict())
    with torch.set_grad_enabled(training):
        torch.testing.assert_close(block(tokens), former(tokens), atol=1e-6, rtol=1e-6)


def test_a_method_reads_the_former_weights_of_all_its_blocks(method):
    present = {name: index for index, name in apvit.FORMER_NAMES.items()}
    state = {}
    for name, value in method.state_dict().items():
        block, _, rest = name.removeprefix("blocks.").partition(".")
        state[f"blocks.{block}.{present[rest]}" if rest in present else name] = value
    assert sum(".to_all." in name or ".project." in name for name in state) == 16
    other = apvit.ApVit(method.channels, 3).eval()
    other.load_state_dict(state)
    features = Features([torch.rand(1, 12, 7, 7)])
    torch.testing.assert_close(other(features).logits, method(features).logits, rtol=0, atol=0)


def test_initial_values_are_the_former_ones_and_draw_the_same_random_numbers():
    torch.manual_seed(0)
    former, next_numbers = FormerBlock(1.0).state_dict(), torch.rand(3)
    torch.manual_seed(0)
    block = apvit.Block(1.0).state_dict()
    assert torch.equal(torch.rand(3), next_numbers)
    assert block.keys() == {apvit.FORMER_NAMES.get(name, name) for name in former}
    for name, value in former.items():
        assert torch.equal(block[apvit.FORMER_NAMES.get(name, name)], value), name


def test_position_codes_tell_cells_apart_and_the_order_of_patches_counts(method):
    codes = apvit.position_codes(3, 4, torch.device("cpu"))
    assert codes.shape == (12, apvit.WIDTH)
    assert len(codes.unique(dim=0)) == 12
    last = torch.rand(1, 12, 4, 4)
    assert not torch.allclose(method(Features([last])).logits, method(Features([last.flip(3)])).logits)


def test_has_no_maps(method, features):
    assert method(features).maps is None
