import torch

from train.models.methods import wildcat


def test_score_of_two_by_two_cells():
    maps = torch.tensor([[4.0, 1.0], [3.0, -2.0]])[None, None]
    # The strongest half is 4 and 3; a tenth of four cells is none, so the weakest one counts.
    torch.testing.assert_close(wildcat.pooled(maps), torch.tensor([[3.5 + 0.6 * -2.0]]))


def test_score_of_twenty_cells():
    maps = torch.arange(20.0).view(1, 1, 4, 5)
    torch.testing.assert_close(wildcat.pooled(maps), torch.tensor([[14.5 + 0.6 * 0.5]]))


def test_only_the_strongest_and_weakest_cells_get_a_gradient():
    maps = torch.arange(20.0).view(1, 1, 4, 5).requires_grad_()
    wildcat.pooled(maps).sum().backward()
    expected = torch.tensor([0.6 / 2] * 2 + [0.0] * 8 + [0.1] * 10).view(1, 1, 4, 5)
    torch.testing.assert_close(maps.grad, expected)


def test_a_class_map_is_the_mean_of_its_modalities(features):
    method = wildcat.Wildcat((4, 6, 8, 10, 12), 3)
    scores = method(features)
    second = method.conv(features.layers[-1])[:, 5:10].mean(dim=1)
    torch.testing.assert_close(scores.maps[:, 1], second)
    torch.testing.assert_close(scores.logits, wildcat.pooled(scores.maps))
