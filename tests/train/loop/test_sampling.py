import numpy as np
import pytest
import torch

from train.loop import sampling


@pytest.fixture
def lopsided(faces, monkeypatch):
    """As if three of four faces were of the first class."""
    targets = np.where(np.arange(len(faces)) % 4 > 0, 0, 1)
    monkeypatch.setattr(faces, "targets", targets)
    return faces


def test_an_epoch_is_every_face_once_in_an_order_of_its_own(faces, params):
    orders = [sampling.epoch_indices(faces, params.train, seed, epoch) for seed, epoch in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert all(sorted(order) == list(range(len(faces))) for order in orders)
    assert orders[0] == orders[1]
    assert orders[0] not in orders[2:]
    assert orders[2] != orders[3]


def test_balanced_sampling_draws_every_class_as_often(lopsided, params):
    balanced = params.train.model_copy(update={"sampling": "balanced"})
    drawn = np.concatenate([lopsided.targets[sampling.epoch_indices(lopsided, balanced, 0, epoch)] for epoch in range(60)])
    assert np.bincount(drawn) / len(drawn) == pytest.approx([0.5, 0.5], abs=0.04)


def test_balanced_weights_have_a_mean_of_one_and_weigh_classes_alike(lopsided, params):
    weights = sampling.class_weights(lopsided, params.train.model_copy(update={"class_weights": "balanced"}))
    numbers = torch.from_numpy(np.bincount(lopsided.targets))
    torch.testing.assert_close((weights * numbers).sum(), torch.tensor(float(len(lopsided))))
    torch.testing.assert_close(weights[0] * numbers[0], weights[1] * numbers[1])
    assert sampling.class_weights(lopsided, params.train).tolist() == [1, 1]


def test_balanced_sampling_draws_what_torch_draws(lopsided, params):
    balanced = params.train.model_copy(update={"sampling": "balanced"})
    likely = torch.from_numpy(1 / np.bincount(lopsided.targets)[lopsided.targets])
    for seed, epoch in ((0, 1), (0, 2), (3, 1)):
        generator = torch.Generator().manual_seed(sampling.derive_seed(seed, epoch, "order"))
        expected = torch.multinomial(likely, len(lopsided), replacement=True, generator=generator).tolist()
        assert sampling.epoch_indices(lopsided, balanced, seed, epoch) == expected


@pytest.mark.parametrize("counts", [(3, 1), (10, 20, 30), (1, 7, 4, 997, 13, 101, 11)])
def test_balanced_weights_are_the_number_of_faces_by_classes_times_count(faces, params, monkeypatch, counts):
    monkeypatch.setattr(faces, "targets", np.repeat(np.arange(len(counts)), counts))
    weights = sampling.class_weights(faces, params.train.model_copy(update={"class_weights": "balanced"}))
    expected = torch.from_numpy(sum(counts) / (len(counts) * np.array(counts))).float()
    assert weights.dtype == torch.float32
    assert torch.equal(weights, expected)
