import pytest
import torch

from train.data.blending import blend, fade, mix

CELLS, PIXELS = 14, 70


def mask():
    cells = torch.zeros(1, 1, CELLS, CELLS, dtype=torch.bool)
    cells[..., 5:9, 4:10] = True
    return cells


def picture(seed):
    return torch.rand(1, 3, PIXELS, PIXELS, generator=torch.Generator().manual_seed(seed))


def in_pixels(cells):
    return cells.repeat_interleave(PIXELS // CELLS, dim=2).repeat_interleave(PIXELS // CELLS, dim=3)


def test_an_edge_is_soft_and_lies_outside_of_the_mask():
    weights = fade(mask())
    assert weights[mask()].min() == 1
    assert weights[0, 0, 7, :5].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert weights[0, 0, 0].max() == 0


def test_a_mask_at_the_border_stays_whole_there():
    cells = torch.zeros(1, 1, CELLS, CELLS, dtype=torch.bool)
    cells[..., :3, :] = True
    assert fade(cells)[..., :4, :].min() > 0.6


def test_the_region_is_the_donors_and_the_rest_the_faces():
    face, donor = picture(1), picture(2)
    found = blend(face, donor, fade(mask()))
    inner = torch.zeros_like(mask())
    inner[..., 6:8, 5:9] = True
    inner, outside = in_pixels(inner).expand_as(face), in_pixels(fade(mask()) == 0).expand_as(face).clone()
    outside[..., 10:60, 5:65] = False  # cells beside the edge share its pixels
    assert torch.equal(found[outside], face[outside])
    assert (found - donor)[inner].std() < 0.02  # the donor's detail, in another light
    assert (found - face)[inner].std() > 0.2


@pytest.mark.parametrize("shift", [0.3, -0.2])
def test_a_donor_in_another_light_is_not_seen(shift):
    face = picture(3)
    torch.testing.assert_close(blend(face, face + shift, fade(mask())), face, atol=1e-3, rtol=0)


def test_a_slope_of_light_leaves_no_edge():
    """Light that changes across the face is followed to within a fraction of the change."""
    face = torch.full((1, 3, PIXELS, PIXELS), 0.5)
    donor = face + 0.5 * torch.linspace(0, 1, PIXELS)
    found = blend(face, donor, fade(mask()))
    assert (found - face).abs().max() < 0.15
    assert (mix(face, donor, fade(mask())) - face).abs().max() > 0.3


def test_a_face_that_is_replaced_whole_takes_the_mean_light_of_nothing():
    face, donor = picture(1), picture(2)
    found = blend(face, donor, torch.ones(1, 1, CELLS, CELLS))
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found, donor)
