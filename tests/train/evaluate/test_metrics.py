import numpy as np
import pytest
import torch

from train.data.regions import heatmap_regions
from train.evaluate.metrics import POINTING_TOLERANCE, calibration, iou, pointing


def left_half(side=4):
    region = torch.zeros(1, 1, side, side, dtype=torch.bool)
    region[..., : side // 2] = True
    return region


def test_regions_are_where_the_heatmap_is_at_least_half():
    assert heatmap_regions(torch.tensor([0.49, 0.5, 1.0])).tolist() == [False, True, True]


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
