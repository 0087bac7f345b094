import numpy as np
import pytest
import torch

from train.loop import optim, sampling
from train.loop.resume import State
from train.loop.trainer import should_stop
from train.models import checkpoint as checkpoints


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


def test_stepped_rate_falls_every_few_epochs(params):
    stepped = params.train.model_copy(update={"schedule": "step", "step_epochs": 2, "step_factor": 0.5})
    rate = optim.lr_lambda(stepped, steps_per_epoch=3)
    assert [rate(step) for step in (0, 5, 6, 11, 12)] == [1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_every_parameter_has_its_peak_rate(params, name, kind):
    block = params.train.model_copy(update={"optimizer": name, "weight_decay": 0.03})
    config = checkpoints.Config("guided", 0, ("a", "b"), block.model_dump(mode="json", by_alias=True), 0, {}, {})
    classifier = checkpoints.build(config, pretrained=False)
    optimizer = optim.optimizer(classifier, block)
    assert type(optimizer) is kind
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.03}  # not PyTorch's own
    assert [group["lr"] for group in optimizer.param_groups] == [block.learning_rate, block.head_learning_rate]
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for parameter in classifier.parameters()}


@pytest.mark.parametrize(("patience", "epoch", "over"), [(0, 90, False), (3, 6, False), (3, 7, True)])
def test_patience_ends_a_training_that_gets_no_better(params, patience, epoch, over):
    block = params.train.model_copy(update={"patience": patience})
    assert should_stop(State("run", epoch, best={"epoch": 4}), block) is over
