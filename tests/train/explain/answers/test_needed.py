"""The measure is checked on networks whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.attribution.hidden_views import HiddenViews
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
    def measure(scores, targets=(BROWS, MOUTH, CALM), donors=2, seeds=None, images=None, others=None):
        network = Network(scores).eval()
        images = faces(targets) if images is None else images
        number = len(images)
        regions = torch.stack([region(BROWS), region(MOUTH), torch.zeros(CELLS, CELLS, dtype=torch.bool)])
        areas = torch.zeros(number, CELLS, CELLS, dtype=torch.bool)
        areas[:, 1:15, 2:14] = True
        others = others or [faces([CALM] * number) + 0.02 * donor for donor in range(donors)]
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
    images = textured(1)
    (needs,) = measure(by_everything, images=images)
    assert abs(needs.needed[:2]).max() < NEGLIGIBLE
    network = Network(by_everything).eval()
    views = HiddenViews(network, images, [faces([CALM])])
    views.hide(0, region(BROWS), "donor")
    fall = network(images).logits.softmax(dim=1)[0, BROWS] - views.probabilities()[0, BROWS]
    assert fall > 2 * NEGLIGIBLE  # so elsewhere it falls as far


def test_elsewhere_is_the_same_outline_on_the_face_beside_the_region(measure, monkeypatch):
    hidden, hide = [], HiddenViews.hide
    monkeypatch.setattr(HiddenViews, "hide", lambda views, *of: hidden.append(of[1]) or hide(views, *of))
    measure(by_everything, images=textured(1), donors=4)
    own, elsewhere = hidden[:4], hidden[4:]  # own with the first donor, and with the others
    assert [each.tolist() for each in own] == [region(BROWS).tolist(), region(MOUTH).tolist()] * 2
    assert len(elsewhere) == 4 * 2
    assert len({each.numpy().tobytes() for each in elsewhere}) > 4
    face = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    face[1:15, 2:14] = True
    for cells, unit in zip(elsewhere, [BROWS, MOUTH] * 4, strict=True):
        rows, columns = torch.nonzero(cells, as_tuple=True)
        assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1, len(rows)) == (3, 8, 24)
        assert not (cells & ~face).any()
        assert (cells & region(unit)).sum() <= 0.2 * 24


def test_an_empty_region_has_no_figures(measure):
    for needs in measure(by_regions):
        assert np.isnan([needs.needed[2], needs.spread[2]]).all()
        assert needs.answers[2] == -1


@pytest.mark.parametrize("donors", [0, 1])
def test_without_several_donors_the_spread_is_that_over_places(measure, donors):
    (needs,) = measure(by_everything, donors=donors, images=textured(1))
    assert (needs.spread[:2] > 0).all()
    brows, *_ = measure(by_regions, donors=donors)
    assert brows.needed[0] > 0
    assert np.isnan(brows.spread[1])  # the mouth is not needed, so nothing elsewhere was tried: one figure has no spread


def test_an_answer_that_depends_on_the_donor_is_none(measure):
    (agree,) = measure(by_regions, targets=(BROWS,), others=[faces([CALM]), faces([MOUTH])])
    assert agree.answers[0] == CALM
    (differ,) = measure(by_regions, targets=(BROWS,), others=[faces([CALM]), faces([BROWS])])
    assert differ.needed[0] > NEGLIGIBLE
    assert differ.answers[0] == -1


def test_a_region_without_a_fall_with_the_first_donor_is_shown_to_no_other(measure, monkeypatch):
    runs, answers = [], HiddenViews.probabilities_by_donor

    def count(views):
        found = answers(views)
        runs.append(found.shape[:2].numel())
        return found

    monkeypatch.setattr(HiddenViews, "probabilities_by_donor", count)
    (brows,) = measure(by_regions, targets=(BROWS,), donors=3)
    assert runs == [2, 2, 1, 1, 1]  # both regions; the brows with two more donors; three places elsewhere
    assert brows.needed[0] > 0.5
    assert brows.spread[0] < 0.1
    assert abs(brows.needed[1]) < 0.02
    assert np.isnan(brows.spread[1])
    assert brows.answers[:2].tolist() == [CALM, BROWS]


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
