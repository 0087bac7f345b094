from types import SimpleNamespace

import pytest
import torch

from train.attribution.hidden_views import HiddenViews

CELLS, PIXELS = 8, 48


class MeanGrey:
    """Answers with the mean grey of the picture, and counts the pictures that it saw."""

    number_of_classes = 2

    def __init__(self):
        self.seen = []

    def __call__(self, images):
        self.seen.append(len(images))
        grey = images.mean(dim=(1, 2, 3))
        return SimpleNamespace(logits=torch.stack([grey, 1 - grey], dim=1).log())


@pytest.fixture
def classifier():
    return MeanGrey()


@pytest.fixture
def views(classifier):
    images = torch.stack([torch.full((3, PIXELS, PIXELS), level) for level in (0.2, 0.6)])
    donors = [torch.full((2, 3, PIXELS, PIXELS), level) for level in (0.1, 0.9)]
    return HiddenViews(classifier, images, donors)


def cells(rows):
    chosen = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    chosen[rows] = True
    return chosen


def test_flat_donors_take_the_light_of_the_face(views):
    numbers = [views.hide(face, cells(slice(3, 5)), fill) for face in (0, 1) for fill in ("donor", "blur", "mean")]
    answers = views.probabilities()
    assert numbers == list(range(6))
    assert answers[:, 0].tolist() == pytest.approx([0.2] * 3 + [0.6] * 3, abs=1e-3)


def test_a_donor_that_fills_the_face_is_seen(views):
    """Nothing of the face is left to match the light with."""
    number = views.hide(0, torch.ones(CELLS, CELLS, dtype=torch.bool), "donor")
    assert views.probabilities()[number, 0] == pytest.approx((0.1 + 0.9) / 2)


def test_what_is_shown_is_the_rest_of_what_is_hidden(views):
    everything = torch.ones(CELLS, CELLS, dtype=torch.bool)
    assert views.show_only(0, everything, "mean") == views.hide(0, ~everything, "mean")


def test_a_view_is_seen_once(views):
    first = views.hide(0, cells(slice(0, 2)), "mean")
    assert views.hide(0, cells(slice(0, 2)), "mean") == first
    assert views.hide(1, cells(slice(0, 2)), "mean") != first
    assert views.hide(0, cells(slice(0, 2)), "blur") != first
    assert views.probabilities().shape == (3, 2)


def test_the_classifier_sees_batches_no_larger_than_the_faces(views, classifier):
    for row in range(CELLS):
        views.hide(0, cells(row), "mean")
    views.probabilities()
    assert classifier.seen == [2] * (CELLS // 2)


def test_no_view_needs_no_answer(views):
    assert views.probabilities().shape == (0, 2)
