"""The measures are checked on networks whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.evaluate.reliance.measure import measure_reliance

NEUTRAL, BROWS, MOUTH = range(3)
CELLS, PIXELS = 16, 80
ROWS = {BROWS: slice(3, 6), MOUTH: slice(10, 13)}  # cells of each expression's region, from column 4 to 11
COLUMNS = slice(4, 12)


class Network(nn.Module):
    """Turns the score of each class, which a function of the images gives, into an output."""

    number_of_classes = 3

    def __init__(self, scores):
        super().__init__()
        self.scores = scores

    def forward(self, images):
        return SimpleNamespace(logits=10 * self.scores(images))


def region(expression):
    cells = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    cells[ROWS[expression], COLUMNS] = True
    return cells


def detail(images):
    """How strongly each pixel (B, H, W) differs from its neighbours."""
    return (images[:, 0] - F.avg_pool2d(images[:, :1], 3, stride=1, padding=1)[:, 0]).abs()


def inside(values, expression):
    scale = PIXELS // CELLS
    rows = slice(ROWS[expression].start * scale, ROWS[expression].stop * scale)
    return values[:, rows, COLUMNS.start * scale : COLUMNS.stop * scale].flatten(1).mean(dim=1)


def by_detail(images):
    """Read the regions: an expression shows detail there, and a neutral face does not."""
    values = detail(images)
    return torch.stack([torch.full(values.shape[:1], 0.3), *(8 * inside(values, each) for each in (BROWS, MOUTH))], dim=1)


def by_mouth(images):
    """Read the mouth alone."""
    mouth = 8 * inside(detail(images), MOUTH)
    return torch.stack([0.3 - mouth, 0 * mouth, mouth], dim=1)


def by_background(images):
    """Read the left side, whose grey value tells the expression."""
    grey = images[:, 0, :, :4].mean(dim=(1, 2))
    return torch.stack([-(grey - level).abs() * 20 for level in (0.1, 0.5, 0.9)], dim=1)


def by_outline(images):
    """Read which region is sharper than the rest of the picture, whatever it shows."""
    values = detail(images)
    rest = values[:, :, -10:].flatten(1).mean(dim=1)
    sharper = [inside(values, each) / (rest + 1e-3) for each in (BROWS, MOUTH)]
    return torch.stack([torch.full_like(rest, 3), *sharper], dim=1)


def by_chance(images):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 9, stride=4), nn.Tanh(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 3)
    )
    return network(images) / 10


def faces(targets, texture=0.0):
    """Grey faces that have detail in the region of their expression, a left side that tells it, and texture elsewhere."""
    generator = torch.Generator().manual_seed(1)
    images = 0.5 + texture * (torch.rand(len(targets), 1, PIXELS, PIXELS, generator=generator) - 0.5)
    noise = torch.rand(len(targets), 1, PIXELS, PIXELS, generator=generator)
    scale = PIXELS // CELLS
    for face, target in enumerate(targets):
        images[face, :, :, :18] = (0.1, 0.5, 0.9)[target]
        if target != NEUTRAL:
            rows = slice(ROWS[target].start * scale, ROWS[target].stop * scale)
            place = (face, slice(None), rows, slice(COLUMNS.start * scale, COLUMNS.stop * scale))
            images[place] = noise[place]
    return images.expand(-1, 3, -1, -1).contiguous()


@pytest.fixture
def measure():
    def measure(scores, texture=0.0, number=6, donor_texture=None, brows=None, mouth=None):
        targets = torch.tensor([NEUTRAL, BROWS, MOUTH] * number)
        images = faces(targets.tolist(), texture)
        donor = faces([NEUTRAL] * len(targets), texture if donor_texture is None else donor_texture)
        donors = [donor.roll(shift, dims=0) for shift in (1, 2)]
        network = Network(scores).eval()
        brows, mouth = (region(each) if given is None else given for each, given in ((BROWS, brows), (MOUTH, mouth)))
        regions = torch.stack([torch.zeros(CELLS, CELLS, dtype=torch.bool), brows, mouth])
        regions = regions.expand(len(targets), -1, -1, -1)
        units = torch.stack([region(BROWS), region(MOUTH)]).expand(len(targets), -1, -1, -1).clone()
        units[targets == NEUTRAL] = False
        units[targets == BROWS, 1] = False
        units[targets == MOUTH, 0] = False
        whole = network(images).logits.softmax(dim=1)
        return measure_reliance(
            network, images, targets, whole, regions, units, NEUTRAL, donors, range(len(targets))
        ), targets.numpy()

    return measure


def test_a_network_that_reads_the_regions_needs_them(measure):
    reliance, targets = measure(by_detail)
    expressive = targets != NEUTRAL
    filled = np.stack([reliance.needed_blurred, reliance.needed_mean])
    assert np.isnan(filled).sum(axis=0).tolist() == np.where(expressive, 1, 2).tolist()  # one of the two for each face
    assert 0 < np.isnan(filled[0, expressive]).sum() < expressive.sum()
    for values in (reliance.needed, np.nanmax(filled[:, expressive], axis=0)):
        assert values[np.isfinite(values)].min() > 0.5
    assert np.isnan(reliance.needed[~expressive]).all()
    assert reliance.falls[targets == MOUTH, MOUTH].min() > 0.5
    assert abs(reliance.falls[targets == MOUTH, BROWS]).max() < 0.05
    assert reliance.exclusive_own[expressive].min() > 0.5
    assert abs(reliance.exclusive_other[expressive]).max() < 0.05
    assert reliance.enough[expressive].tolist() == [1] * int(expressive.sum())
    assert abs(reliance.leak[~expressive]).max() == 0
    assert reliance.falls_of_units[targets == MOUTH, 1].min() > 0.5
    assert np.isnan(reliance.falls_of_units[targets == MOUTH, 0]).all()


def test_a_network_that_reads_the_mouth_alone_needs_the_mouth_alone(measure):
    reliance, targets = measure(by_mouth)
    assert reliance.needed[targets == MOUTH].min() > 0.5
    assert abs(reliance.needed[targets == BROWS]).max() < 0.05
    assert reliance.enough[targets == MOUTH].all()
    assert not reliance.enough[targets == BROWS].any()


def test_enough_shows_the_regions_of_another_expression_beside_the_own(measure):
    """The network knows brows where both regions are sharp, and nothing else."""

    def by_both(images):
        sharper = torch.stack([inside(detail(images), each) for each in (BROWS, MOUTH)]).amin(dim=0)
        return torch.stack([torch.full_like(sharper, 0.3), 8 * sharper, 0 * sharper], dim=1)

    reliance, targets = measure(by_both, texture=0.8)
    assert reliance.enough[targets == BROWS].all()
    assert not reliance.enough[targets == MOUTH].any()


def test_a_network_that_reads_the_background_needs_no_region(measure):
    reliance, targets = measure(by_background)
    expressive = targets != NEUTRAL
    assert abs(reliance.needed[expressive]).max() < 0.01
    assert abs(reliance.exclusive_own[expressive]).max() < 0.01
    assert reliance.leak[~expressive].max() <= 0


def test_a_network_that_reads_outlines_leaks(measure):
    reliance, targets = measure(by_outline, texture=0.5)
    assert reliance.leak[targets == NEUTRAL].mean() > 0.9
    reliance, targets = measure(by_detail, texture=0.0)
    assert reliance.leak[targets == NEUTRAL].mean() == 0


def test_a_random_network_leans_on_nothing(measure):
    reliance, targets = measure(by_chance, texture=0.5)
    expressive = targets != NEUTRAL
    assert abs(reliance.needed[expressive].mean()) < 0.05
    assert abs(reliance.leak[~expressive].mean()) < 0.05


def test_the_measures_of_a_face_do_not_depend_on_its_batch():
    targets = torch.tensor([NEUTRAL, BROWS, MOUTH] * 4)
    images, donors = faces(targets.tolist(), 0.3), faces([NEUTRAL] * len(targets), 0.3)
    network = Network(by_detail).eval()
    regions = torch.stack([torch.zeros(CELLS, CELLS, dtype=torch.bool), region(BROWS), region(MOUTH)])
    regions, units = (regions.expand(len(targets), -1, -1, -1) for _ in range(2))

    def measured(part):
        whole = network(images[part]).logits.softmax(dim=1)
        seeds = range(len(targets))[part]
        return measure_reliance(
            network, images[part], targets[part], whole, regions[part], units[part], NEUTRAL, [donors[part]], seeds
        )

    together, alone = measured(slice(None)), measured(slice(3, 6))
    for name, values in vars(together).items():
        np.testing.assert_allclose(vars(alone)[name], values[3:6], atol=1e-5, err_msg=name)


def test_a_network_that_needs_all_regions_alike_needs_none_of_its_own(measure):
    def by_both(images):
        total = sum(inside(detail(images), each) for each in (BROWS, MOUTH))
        return torch.stack([torch.full_like(total, 0.3), total, total], dim=1)

    reliance, targets = measure(by_both, texture=0.6, donor_texture=0.0)
    faces_of_brows = targets == BROWS
    assert reliance.falls[faces_of_brows, MOUTH].min() > 0.1
    assert abs(reliance.needed[faces_of_brows]).max() < reliance.falls[faces_of_brows, MOUTH].min()


def rows_of_cells(first, last):
    cells = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    cells[first : last + 1, COLUMNS] = True
    return cells


def test_what_two_regions_share_is_in_no_exclusive_part(measure):
    """The network reads the rows that both regions have. Neither part alone hides them."""
    brows, mouth = rows_of_cells(0, 7), rows_of_cells(4, 11)

    def by_shared(images):
        shared = 8 * detail(images)[:, 30:32, 25:55].flatten(1).mean(dim=1)
        return torch.stack([0.3 - shared, shared, shared], dim=1)

    reliance, targets = measure(by_shared, texture=0.8, donor_texture=0.0, brows=brows, mouth=mouth)
    expressive = targets != NEUTRAL
    assert reliance.falls[expressive][:, 1:].min() > 0.1
    assert abs(reliance.exclusive_own[expressive]).max() < 0.02
    assert abs(reliance.exclusive_other[expressive]).max() < 0.02


def test_parts_of_unlike_areas_are_not_compared(measure):
    reliance, _ = measure(by_detail, brows=rows_of_cells(3, 5), mouth=rows_of_cells(8, 13))
    assert np.isnan(reliance.exclusive_own).all()
    assert not np.isnan(reliance.needed[1:3]).any()


def test_an_expression_without_a_region_of_its_own_tells_nothing(measure):
    """Such as one that the codebook gives no action units, or whose region lies outside the frame."""
    reliance, targets = measure(by_outline, texture=0.5, mouth=torch.zeros(CELLS, CELLS, dtype=torch.bool))
    for name, values in vars(reliance).items():
        assert np.isnan(values[targets == MOUTH]).all(), name
    assert (reliance.leak[targets == NEUTRAL] > 0).any()


def test_a_single_expression_has_no_other_to_compare_with(measure):
    reliance, targets = measure(by_detail, mouth=torch.zeros(CELLS, CELLS, dtype=torch.bool))
    assert np.isnan(reliance.needed).all()
    assert np.isnan(reliance.enough).all()
    assert not np.isnan(reliance.leak[targets == NEUTRAL]).any()
