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
    seen = torch.tensor([[0.1, 0.5, 0.3, 0.2, 0.4], [9.0, 1.0, 8.0, 2.0, 7.0]])
    assert apvit.most_attended(tokens, seen, 0.6).flatten(1).tolist() == [[1, 2, 4], [5, 7, 9]]
    assert apvit.most_attended(tokens, seen, 0.01).flatten(1).tolist() == [[1], [5]]
    assert apvit.most_attended(tokens, seen, 1.0) is tokens


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
    found, weights = block.attend(block.norm1(tokens))
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(1, apvit.HEADS, 5))
    best = weights[0, :, 0, 1:].mean(dim=0).topk(2).indices.sort().values + 1
    expected = (tokens + found)[:, [0, *best.tolist()]]
    torch.testing.assert_close(block(tokens), expected + block.mlp(block.norm2(expected)))


def test_attention_is_that_of_pytorch():
    torch.manual_seed(0)
    block, tokens = apvit.Block(1.0), torch.randn(2, 5, apvit.WIDTH)
    reference = torch.nn.MultiheadAttention(apvit.WIDTH, apvit.HEADS, batch_first=True)
    reference.in_proj_weight.data, reference.in_proj_bias.data = block.to_all.weight.data, block.to_all.bias.data
    reference.out_proj.load_state_dict(block.project.state_dict())
    found, weights = reference(tokens, tokens, tokens, average_attn_weights=False)
    torch.testing.assert_close(block.attend(tokens), (found, weights))


def test_places_tell_cells_apart_and_the_order_of_patches_counts(method):
    codes = apvit.places(3, 4, torch.device("cpu"))
    assert codes.shape == (12, apvit.WIDTH)
    assert len(codes.unique(dim=0)) == 12
    last = torch.rand(1, 12, 4, 4)
    assert not torch.allclose(method(Features([last])).logits, method(Features([last.flip(3)])).logits)


def test_has_no_maps(method, features):
    assert method(features).maps is None
