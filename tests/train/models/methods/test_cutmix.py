import pytest
import torch

from train.data.augmentation import View
from train.models.methods import cutmix


@pytest.fixture
def method():
    return cutmix.CutMix((4, 6, 8, 10, 12), 5)


def view_of(number, has_map=None, size=24, cells=6):
    """Images and heatmaps that are 1, 2, ... all over."""
    values = torch.arange(1.0, number + 1).view(-1, 1, 1, 1)
    targets = torch.arange(number)
    has_map = torch.ones(number, dtype=torch.bool) if has_map is None else torch.tensor(has_map)
    heatmaps = values.repeat(1, 1, cells, cells) * has_map.view(-1, 1, 1, 1)
    return View(values.repeat(1, 3, size, size), heatmaps, has_map, targets, targets, torch.ones(number))


def draws_of(number, **columns):
    """A quarter of the area, in the middle, each image from the next one; or as the columns say."""
    settings = {"lambda_": 0.75, "row": 0.5, "column": 0.5, "order": torch.arange(number) + 1} | columns
    settings["order"] = torch.as_tensor(settings["order"]).roll(1) / (number + 1)
    return torch.stack([torch.as_tensor(value).expand(number) for value in settings.values()], dim=1).float()


def test_share_is_what_is_left_of_the_image(method):
    view, draws = view_of(5), torch.rand(5, 4, generator=torch.Generator().manual_seed(1))
    mixed = method.mix(view, draws)
    own = (mixed.images == view.images).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(mixed.mix_ratio, own)
    assert torch.equal(view.targets, mixed.targets)
    rest = mixed.images.mean(dim=(1, 2, 3))
    torch.testing.assert_close(
        rest, mixed.mix_ratio * (mixed.targets + 1) + (1 - mixed.mix_ratio) * (mixed.mixed_targets + 1)
    )


def test_a_quarter_from_the_middle_of_the_partner(method):
    mixed = method.mix(view_of(2), draws_of(2))
    expected = torch.ones(24, 24)
    expected[6:18, 6:18] = 2
    assert torch.equal(mixed.images[0, 0], expected)
    assert mixed.mixed_targets.tolist() == [1, 0]
    assert mixed.mix_ratio.tolist() == [0.75, 0.75]


@pytest.mark.parametrize(("row", "column"), [(0.5, 0.5), (0.1, 0.8), (1.0, 0.0)])
def test_heatmap_is_cut_and_pasted_with_its_image(method, row, column):
    view = view_of(2, size=24, cells=24)
    mixed = method.mix(view, draws_of(2, row=row, column=column))
    assert torch.equal(mixed.images[:, :1], mixed.heatmaps)
    coarse = method.mix(view_of(2, cells=6), draws_of(2, row=row, column=column)).heatmaps
    assert (coarse.mean() - mixed.heatmaps.mean()).abs() < 0.15
    assert mixed.images[0, 0, min(23, int(row * 24)), min(23, int(column * 24))] == 2


def test_a_box_at_the_border_is_cut_off(method):
    mixed = method.mix(view_of(2), draws_of(2, row=0.0, column=1.0))
    assert mixed.mix_ratio.tolist() == [0.9375, 0.9375]
    assert (mixed.images[0, :, :6, 18:] == 2).all()


def test_lambda_is_uniform(method):
    draws = torch.rand(4000, 4, generator=torch.Generator().manual_seed(0))
    draws[:, 1:3] = 0.5  # so that nothing is cut off
    area = cutmix.boxes(draws, 100).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(
        area.quantile(torch.tensor([0.25, 0.5, 0.75])), torch.tensor([0.25, 0.5, 0.75]), atol=0.03, rtol=0
    )


def test_has_a_map_if_all_that_is_seen_has_one(method):
    view = view_of(3, has_map=[True, True, False])
    assert method.mix(view, draws_of(3)).has_map.tolist() == [True, False, False]
    nothing = draws_of(3, lambda_=1.0)
    assert method.mix(view, nothing).has_map.tolist() == [True, True, False]
    everything = draws_of(3, lambda_=0.0)
    mixed = method.mix(view, everything)
    assert mixed.mix_ratio.tolist() == [0, 0, 0]
    assert mixed.has_map.tolist() == [True, False, True]


def test_has_no_map_if_nothing_of_it_is_left(method):
    view = view_of(2)
    view.heatmaps[1] = 0
    assert method.mix(view, draws_of(2, lambda_=0.0)).has_map.tolist() == [False, True]


def test_is_a_function_of_the_draws_alone(method):
    view, draws = view_of(4), torch.rand(4, 4, generator=torch.Generator().manual_seed(3))
    one = method.mix(view, draws)
    torch.manual_seed(5)
    two = method.mix(view, draws)
    assert all(torch.equal(first, second) for first, second in zip(vars(one).values(), vars(two).values(), strict=True))
    assert sorted(one.mixed_targets.tolist()) == [0, 1, 2, 3]
    assert torch.equal(view.images, view_of(4).images)
