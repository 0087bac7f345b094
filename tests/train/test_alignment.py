import numpy as np
import pytest
import torch

from train import alignment
from train.alignment import alignment_loss, map_alignment_loss
from train.models.maps import cam_cosine


def check_case(archive, case):
    layers = []
    while f"{case}_features{len(layers)}" in archive:
        layers.append(torch.from_numpy(archive[f"{case}_features{len(layers)}"]))
    heatmaps = torch.from_numpy(archive[f"{case}_heatmap"].astype(np.float32))
    has_map = torch.from_numpy(archive[f"{case}_valid"])
    assert alignment_loss(layers, heatmaps, has_map).item() == pytest.approx(archive[f"{case}_loss"].item(), abs=2e-3)
    for layer, expected in zip(layers, archive[f"{case}_loss_per_layer"], strict=True):
        assert alignment_loss([layer], heatmaps, has_map).item() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("case", ["case0", "case1", "case2", "case3"])
def test_holds_the_released_implementation(reference, case):
    with np.load(reference / "golden" / "alignment.npz") as archive:
        check_case(archive, case)


def test_holds_the_case_carried_along(small_reference):
    with np.load(small_reference / "alignment.npz") as archive:
        check_case(archive, "case1")


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    features = [torch.rand(4, 6, side, side, generator=generator, dtype=torch.float64) for side in (5, 8)]
    heatmaps = torch.rand(4, 1, 12, 12, generator=generator, dtype=torch.float64)
    return features, heatmaps, torch.tensor([True, False, True, True])


def test_samples_without_a_map_do_not_count(batch):
    features, heatmaps, has_map = batch
    loss = alignment_loss(features, heatmaps, has_map)
    torch.testing.assert_close(
        loss, alignment_loss([layer[has_map] for layer in features], heatmaps[has_map], has_map[has_map])
    )
    spoilt = torch.where(has_map.view(-1, 1, 1, 1), heatmaps, torch.nan)
    torch.testing.assert_close(loss, alignment_loss(features, spoilt, has_map))


def test_a_batch_without_any_map_adds_exactly_zero_with_zero_gradient(batch):
    features, heatmaps, _ = batch
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    loss = alignment_loss([layer * scale for layer in features], heatmaps, torch.zeros(4, dtype=torch.bool))
    assert loss.item() == 0
    loss.backward()
    assert scale.grad.item() == 0


def test_what_a_heatmap_that_does_not_count_holds_reaches_no_gradient(batch):
    features, heatmaps, has_map = batch
    spoilt = torch.where(has_map.view(-1, 1, 1, 1), heatmaps, torch.nan)
    maps = torch.rand(4, 6, 5, dtype=torch.float64).requires_grad_()
    inputs = [*(layer.requires_grad_() for layer in features), maps]
    (alignment_loss(features, spoilt, has_map) + map_alignment_loss(maps, spoilt, has_map)).backward()
    for values in inputs:
        counted = values.grad.flatten(1).abs().sum(dim=1) > 0
        assert torch.equal(counted, has_map)
        assert values.grad.isfinite().all()


@pytest.mark.parametrize("with_map", [(True, False, True, True), (False,) * 4, (True,) * 4])
def test_no_loss_is_selected_on_a_gpu_and_the_mean_is_the_same(batch, monkeypatch, with_map):
    """The way of a GPU, taken on the CPU: it compiles to one graph, and differs by rounding alone."""
    features, heatmaps, _ = batch
    has_map = torch.tensor(with_map)
    maps = features[0][:, 0]
    expected = alignment_loss(features, heatmaps, has_map), map_alignment_loss(maps, heatmaps, has_map)
    monkeypatch.setattr(alignment, "SELECTING", ())
    losses = [torch.compile(loss, backend="eager", fullgraph=True) for loss in (alignment_loss, map_alignment_loss)]
    torch.testing.assert_close(losses[0](features, heatmaps, has_map), expected[0])
    torch.testing.assert_close(losses[1](maps, heatmaps, has_map), expected[1])


def test_gradient(batch):
    features, heatmaps, has_map = batch
    inputs = [layer.requires_grad_() for layer in features]
    assert torch.autograd.gradcheck(lambda *layers: alignment_loss(layers, heatmaps, has_map), inputs)


def test_is_the_mean_over_layers(batch):
    features, heatmaps, has_map = batch
    single = [alignment_loss([layer], heatmaps, has_map) for layer in features]
    torch.testing.assert_close(alignment_loss(features, heatmaps, has_map), torch.stack(single).mean())


def test_perfect_attention_costs_nothing_and_scale_does_not_matter():
    heatmaps = torch.rand(3, 1, 7, 7)
    features = heatmaps.repeat(1, 5, 1, 1) * 40
    assert alignment_loss([features], heatmaps, torch.ones(3, dtype=torch.bool)).item() == pytest.approx(0, abs=1e-6)


def test_needs_a_layer(batch):
    with pytest.raises(ValueError, match="at least one layer"):
        alignment_loss([], *batch[1:])


@pytest.fixture
def maps(batch):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(4, 6, 5, generator=generator, dtype=torch.float64), *batch[1:]


def test_gradient_of_the_map_s_loss(maps):
    maps, heatmaps, has_map = maps
    assert torch.autograd.gradcheck(lambda maps: map_alignment_loss(maps, heatmaps, has_map), maps.requires_grad_())


def test_map_s_loss_knows_neither_offset_nor_scale(maps):
    maps, heatmaps, has_map = maps
    loss = map_alignment_loss(maps, heatmaps, has_map)
    torch.testing.assert_close(map_alignment_loss(maps * 3 - 7, heatmaps, has_map), loss)
    torch.testing.assert_close(map_alignment_loss(maps[has_map], heatmaps[has_map], has_map[has_map]), loss)


def test_perfect_map_costs_nothing(maps):
    _, heatmaps, has_map = maps
    heatmaps = heatmaps - heatmaps.amin(dim=(2, 3), keepdim=True)
    assert map_alignment_loss(5 * heatmaps[:, 0] - 2, heatmaps, has_map).item() == pytest.approx(0, abs=1e-9)


def test_without_any_map_the_map_s_loss_and_its_gradient_are_zero(maps):
    maps, heatmaps, has_map = maps
    maps.requires_grad_()
    loss = map_alignment_loss(maps, heatmaps, torch.zeros_like(has_map))
    assert loss.item() == 0
    loss.backward()
    assert not maps.grad.any()


def test_the_map_s_loss_is_what_cam_cos_lacks(maps):
    maps, heatmaps, has_map = maps
    torch.testing.assert_close(1 - map_alignment_loss(maps, heatmaps, has_map), cam_cosine(maps, heatmaps)[has_map].mean())
