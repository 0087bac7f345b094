import pytest
import torch

from train.data.luma import LUMA_WEIGHTS, constants, luma


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_constants_are_those_of_a_list_to_the_bit(dtype):
    found = constants(LUMA_WEIGHTS, torch.zeros(1, dtype=dtype))
    assert found.dtype == dtype
    assert torch.equal(found, torch.tensor(LUMA_WEIGHTS, dtype=dtype))


def test_grey_values_are_the_weighted_sum():
    images = torch.tensor([0.5, 0.25, 1.0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    torch.testing.assert_close(luma(images), torch.full((2, 1, 4, 5), 0.5 * 0.299 + 0.25 * 0.587 + 0.114))
