import numpy as np
import pytest
import torch

from train.evaluate.metrics import POINTING_TOLERANCE, calibration, concentration, energy, heatmap_regions, iou, pointing
from train.models.maps import attention_cosine, attention_map, cam_cosine, cam_map, normalise


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


def left_half(side=4):
    region = torch.zeros(1, 1, side, side, dtype=torch.bool)
    region[..., : side // 2] = True
    return region


def test_regions_are_where_the_heatmap_is_at_least_half():
    assert heatmap_regions(torch.tensor([0.49, 0.5, 1.0])).tolist() == [False, True, True]


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


def test_pointing_hits_within_the_tolerance_of_the_region():
    region = torch.zeros(1, 1, 28, 28, dtype=torch.bool)
    region[..., 10:, :5] = True

    def hit(row, column, **more):
        maps = torch.zeros(1, 1, 28, 28)
        maps[0, 0, row, column] = 1
        return pointing(maps, region, **more).item()

    assert pytest.approx(1.875) == POINTING_TOLERANCE * 28  # cells
    assert [hit(15, 4), hit(15, 5), hit(15, 6)] == [1, 1, 0]
    assert [hit(9, 0), hit(8, 0), hit(9, 5), hit(8, 5)] == [1, 0, 1, 0]  # diagonally: 1.41 and 2.24 cells
    assert hit(15, 5, tolerance=0) == 0
    assert hit(15, 4, tolerance=0) == 1
    assert pointing(torch.ones(1, 1, 28, 28), torch.ones_like(region)).item() == 0
    assert pointing(torch.ones(1, 1, 28, 28) * torch.linspace(1, 2, 28), region).item() == 0


def test_iou_is_intersection_over_union():
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, :2] = 2.0  # the upper half, whatever the scale
    maps[0, 0, 2] = 0.9  # below half of the maximum
    assert iou(maps, left_half()).item() == pytest.approx(4 / 12)
    assert iou(5 * left_half().float() + 1, left_half()).item() == 1
    assert iou(torch.ones(1, 1, 4, 4), left_half()).item() == 0


def test_calibration_by_hand():
    confidence = np.array([0.95, 0.97, 0.5, 1.0, 0.41])
    correct = np.array([True, False, True, True, True])
    error, bins = calibration(confidence, correct)
    # Bins of 1/15: the three above 14/15, 0.5 in 7/15 to 8/15, and 0.41 in 6/15 to 7/15.
    expected = 3 / 5 * abs(2 / 3 - (0.95 + 0.97 + 1) / 3) + 1 / 5 * 0.5 + 1 / 5 * 0.59
    assert error == pytest.approx(expected)
    assert [each["faces"] for each in bins] == [1, 1, 3]
    assert bins[-1]["from"] == pytest.approx(14 / 15)
    assert calibration(np.ones(3), np.array([True] * 3))[0] == 0
