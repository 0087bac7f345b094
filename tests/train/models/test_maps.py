import numpy as np
import pytest
import torch

from train.models.maps import (
    attention,
    attention_cosine,
    attention_map,
    cam_cosine,
    cam_map,
    concentration,
    cosine,
    energy,
    map_size,
    normalise,
    resize_cam,
    resize_in_range,
)


def check_case(archive, case):
    last = max(name for name in archive if name.startswith(f"{case}_features"))
    heatmaps = torch.from_numpy(archive[f"{case}_heatmap"].astype(np.float32))
    att_cos = attention_cosine(torch.from_numpy(archive[last]), heatmaps)
    cam_cos = cam_cosine(torch.from_numpy(archive[f"{case}_cam"]), heatmaps)
    np.testing.assert_allclose(att_cos, archive[f"{case}_att_cos"], atol=2e-3)
    np.testing.assert_allclose(cam_cos, archive[f"{case}_cam_cos"], atol=2e-3)


@pytest.mark.parametrize("case", ["case0", "case1", "case2", "case3"])
def test_holds_the_released_implementation(reference, case):
    with np.load(reference / "golden" / "alignment.npz") as archive:
        check_case(archive, case)


def test_holds_the_case_carried_along(small_reference):
    with np.load(small_reference / "alignment.npz") as archive:
        check_case(archive, "case1")


def test_attention_with_negative_values_starts_at_zero():
    features = torch.randn(3, 4, 6, 6)
    maps = attention_map(features, (6, 6))
    torch.testing.assert_close(maps.amin(dim=(1, 2, 3)), torch.zeros(3))
    positive = torch.rand(3, 4, 6, 6) + 1
    torch.testing.assert_close(attention_map(positive, (6, 6))[:, 0], positive.mean(dim=1))


def test_each_sample_is_judged_alone():
    features, heatmaps, cams = torch.randn(4, 3, 7, 7), torch.rand(4, 1, 28, 28), torch.randn(4, 7, 7)
    together = attention_cosine(features, heatmaps), cam_cosine(cams, heatmaps)
    for i in range(4):
        torch.testing.assert_close(together[0][i : i + 1], attention_cosine(features[i : i + 1], heatmaps[i : i + 1]))
        torch.testing.assert_close(together[1][i : i + 1], cam_cosine(cams[i : i + 1], heatmaps[i : i + 1]))


def test_cam_cosine_ignores_scale_and_offset():
    cams, heatmaps = torch.randn(4, 7, 7), torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(cam_cosine(cams, heatmaps), cam_cosine(9 * cams - 5, heatmaps), atol=1e-5, rtol=0)


def test_perfect_maps_score_one():
    heatmaps = normalise(torch.rand(2, 1, 14, 14))
    torch.testing.assert_close(cam_cosine(heatmaps[:, 0], heatmaps), torch.ones(2))
    torch.testing.assert_close(attention_cosine(heatmaps.repeat(1, 3, 1, 1), heatmaps), torch.ones(2))


def test_a_constant_cam_is_worth_nothing():
    assert cam_map(torch.full((1, 3, 3), 4.0), (6, 6)).abs().max() == 0
    assert cam_cosine(torch.full((1, 3, 3), 4.0), torch.rand(1, 1, 6, 6)).item() == 0


def test_attention_is_the_channel_mean():
    features = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(attention(features)[:, 0], (features[:, 0] + features[:, 1] + features[:, 2]) / 3)


def test_resizing_stays_in_each_maps_range():
    maps = torch.rand(3, 1, 28, 28) * torch.tensor([1.0, 5.0, 0.1]).view(3, 1, 1, 1)
    for size in ((7, 7), (56, 40)):
        resized = resize_in_range(maps, size)
        assert resized.shape == (3, 1, *size)
        assert (resized.amax(dim=(2, 3)) <= maps.amax(dim=(2, 3))).all()
        assert (resized.amin(dim=(2, 3)) >= maps.amin(dim=(2, 3))).all()


def test_cosine_of_a_zero_map_is_zero():
    assert cosine(torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).item() == 0


def test_normalised_maps_reach_from_zero_to_one_each():
    maps = torch.tensor([[-1.0, 0.0, 3.0], [5.0, 5.0, 5.0]]).view(1, 2, 1, 3)
    assert normalise(maps).tolist() == [[[[0.0, 0.25, 1.0]], [[0.0, 0.0, 0.0]]]]


def test_cells_of_a_resized_cam_are_areas():
    cams = torch.tensor([[0.0, 1.0]]).view(1, 1, 1, 2)
    assert resize_cam(cams, (1, 4)).flatten().tolist() == [0.0, 0.25, 0.75, 1.0]


def test_size_is_height_and_width():
    assert map_size(torch.zeros(2, 3, 4, 5)) == (4, 5)


def left_half(side=4):
    region = torch.zeros(1, 1, side, side, dtype=torch.bool)
    region[..., : side // 2] = True
    return region


def test_energy_is_the_share_of_the_sum_inside():
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, 0, 0], maps[0, 0, 3, 3] = 3, 1
    both = torch.cat([left_half(), ~left_half()], dim=1)
    assert energy(maps, both).tolist() == [[0.75, 0.25]]
    assert energy(torch.zeros(1, 1, 4, 4), both).tolist() == [[0, 0]]


def test_concentration_is_relative_to_the_area():
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, 0, 0], maps[0, 0, 3, 3] = 3, 1
    corner = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    corner[0, 0, 0, 0] = True
    found = concentration(maps, torch.cat([left_half(), corner, torch.zeros_like(corner)], dim=1))
    assert found[0, :2].tolist() == [1.5, 12]  # 0.75 / (1 / 2), 0.75 / (1 / 16)
    assert found[0, 2].isnan()
    assert concentration(torch.ones(1, 1, 4, 4), left_half()).item() == 1
