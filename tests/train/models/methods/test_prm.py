import torch

from train.models.methods import prm


def test_score_is_the_mean_of_the_peaks():
    maps = torch.tensor([[5.0, 2, 1, 0], [4, 3, 2, 1], [1, 2, 3, 4], [0, 1, 2, 7]])[None, None]
    torch.testing.assert_close(prm.at_peaks(maps), torch.tensor([[6.0]]))


def test_peaks_by_a_loop():
    maps = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(2, 3)
    for b in range(2):
        for k in range(3):
            grid = maps[b, k]
            peaks = [
                grid[i, j]
                for i in range(6)
                for j in range(7)
                if grid[i, j] == grid[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].max()
            ]
            expected[b, k] = torch.stack(peaks).mean()
    torch.testing.assert_close(prm.at_peaks(maps), expected)


def test_a_flat_map_scores_its_value_and_negative_maps_have_peaks():
    torch.testing.assert_close(prm.at_peaks(torch.full((1, 1, 4, 4), -2.0)), torch.tensor([[-2.0]]))
    torch.testing.assert_close(prm.at_peaks(torch.tensor([[-3.0, -1.0, -2.0]])[None, None]), torch.tensor([[-1.0]]))


def test_only_peaks_get_a_gradient():
    maps = torch.tensor([[9.0, 1, 0, 0, 5]])[None, None].requires_grad_()
    prm.at_peaks(maps).sum().backward()
    assert maps.grad.flatten().tolist() == [0.5, 0, 0, 0, 0.5]
