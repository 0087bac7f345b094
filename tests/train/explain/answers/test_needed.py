"""The measure is checked on networks whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.explain.answers.needed import NEGLIGIBLE, face_areas, measure_needs

CALM, BROWS, MOUTH = range(3)
CELLS, PIXELS = 16, 80
SCALE = PIXELS // CELLS
ROWS = {BROWS: slice(3, 6), MOUTH: slice(10, 13)}  # cells of each region, from column 4 to 11
COLUMNS = slice(4, 12)


def region(unit):
    cells = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    cells[ROWS[unit], COLUMNS] = True
    return cells


def inside(images, unit):
    """The mean grey value (B,) in a region."""
    rows = slice(ROWS[unit].start * SCALE, ROWS[unit].stop * SCALE)
    return images[:, 0, rows, COLUMNS.start * SCALE : COLUMNS.stop * SCALE].mean(dim=(1, 2))


class Network(nn.Module):
    number_of_classes = 3

    def __init__(self, scores):
        super().__init__()
        self.scores = scores

    def forward(self, images):
        return SimpleNamespace(logits=10 * self.scores(images))


def by_regions(images):
    """A bright region tells its class."""
    return torch.stack([torch.full((len(images),), 0.6), inside(images, BROWS), inside(images, MOUTH)], dim=1)


def by_left_side(images):
    return torch.stack([0 * images[:, 0, 0, 0], images[:, 0, :, :8].mean(dim=(1, 2)), 0 * images[:, 0, 0, 0]], dim=1)


def by_everything(images):
    """The whole face's detail tells the class, wherever it is."""
    detail = 40 * (images[:, 0] - F.avg_pool2d(images[:, :1], 3, stride=1, padding=1)[:, 0]).abs().mean(dim=(1, 2))
    return torch.stack([torch.full_like(detail, 3.6), detail, 0 * detail], dim=1)


def textured(number):
    noise = torch.rand(number, 1, PIXELS, PIXELS, generator=torch.Generator().manual_seed(0))
    return (0.4 + 0.4 * (noise - 0.5)).expand(-1, 3, -1, -1).contiguous()


def faces(targets):
    """Grey faces, bright in the region of their class."""
    images = torch.full((len(targets), 3, PIXELS, PIXELS), 0.4)
    for face, target in enumerate(targets):
        if target != CALM:
            rows = slice(ROWS[target].start * SCALE, ROWS[target].stop * SCALE)
            images[face, :, rows, COLUMNS.start * SCALE : COLUMNS.stop * SCALE] = 0.9
    return images


@pytest.fixture
def measure():
    def measure(scores, targets=(BROWS, MOUTH, CALM), donors=2, seeds=None, images=None):
        network = Network(scores).eval()
        images = faces(targets) if images is None else images
        number = len(images)
        regions = torch.stack([region(BROWS), region(MOUTH), torch.zeros(CELLS, CELLS, dtype=torch.bool)])
        areas = torch.zeros(number, CELLS, CELLS, dtype=torch.bool)
        areas[:, 1:15, 2:14] = True
        others = [faces([CALM] * number) + 0.02 * donor for donor in range(donors)]
        return measure_needs(
            network,
            images,
            network(images).logits.softmax(dim=1),
            regions.expand(number, -1, -1, -1),
            areas,
            others,
            list(range(number)) if seeds is None else seeds,
        )

    return measure


def test_an_answer_needs_the_region_that_it_reads(measure):
    brows, mouth, calm = measure(by_regions)
    assert brows.needed[0] > 0.5
    assert abs(brows.needed[1]) < NEGLIGIBLE
    assert mouth.needed[1] > 0.5
    assert brows.answers[:2].tolist() == [CALM, BROWS]
    assert mouth.answers[:2].tolist() == [MOUTH, CALM]
    assert abs(calm.needed[:2]).max() < NEGLIGIBLE
    assert brows.spread[0] < 0.1


def test_an_answer_that_reads_the_background_needs_no_region(measure):
    for needs in measure(by_left_side):
        assert abs(needs.needed[:2]).max() < NEGLIGIBLE


def test_a_region_that_matters_no_more_than_others_of_its_size_is_not_needed(measure):
    (needs,) = measure(by_everything, images=textured(1))
    assert needs.fall[:2].min() > NEGLIGIBLE
    assert abs(needs.needed[:2]).max() < 0.3 * needs.fall[:2].min()


def test_an_empty_region_has_no_figures(measure):
    for needs in measure(by_regions):
        assert np.isnan([needs.fall[2], needs.needed[2], needs.spread[2]]).all()
        assert needs.answers[2] == -1


def test_without_donors_the_face_is_blurred_and_there_is_no_spread(measure):
    brows, *_ = measure(by_regions, donors=0)
    assert brows.fall[0] > 0
    assert np.isnan(brows.spread).all()
    one, *_ = measure(by_regions, donors=1)
    assert np.isnan(one.spread).all()


def test_a_face_s_figures_do_not_depend_on_its_batch(measure):
    images = textured(4)
    together = measure(by_everything, images=images, seeds=[5, 6, 7, 8])[1]
    (alone,) = measure(by_everything, images=images[1:2], seeds=[6])
    np.testing.assert_allclose(together.needed, alone.needed, atol=1e-5)
    (other,) = measure(by_everything, images=images[1:2], seeds=[60])
    assert not np.allclose(other.needed[:2], alone.needed[:2], atol=1e-4)


def test_the_face_s_area_holds_landmarks_and_forehead():
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, :17] = [(20 + 10 * i, 100 + 100 * np.sin(np.pi * i / 16)) for i in range(17)]  # jaw, from ear to ear
    landmarks[0, 17:] = (100, 90)
    landmarks[0, 17:27] = [(40 + 12 * i, 70) for i in range(10)]
    (area,) = face_areas(landmarks, 256, 28)
    cell = 256 / 28
    assert area[int(100 / cell), int(100 / cell)]
    assert area[int(45 / cell), int(100 / cell)]  # forehead
    assert not area[int(10 / cell), int(100 / cell)]
    assert not area[:, -1].any()
