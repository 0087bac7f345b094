import pytest
import torch

from train.models.methods import adl


@pytest.fixture
def method():
    return adl.Adl((4, 6, 8, 10, 12), 3)


@pytest.fixture
def hidden():
    """Two samples whose attention is 10, 9.5, 8, 0 and a tenth of it."""
    row = torch.tensor([10.0, 9.5, 8.0, 0.0])
    return torch.stack([row, row / 10])[:, None, None, :].expand(2, 3, 1, 4)


def test_does_nothing_in_evaluation_nor_behind_the_first_stages(method, hidden):
    assert all(method.eval().layer_hook(layer, hidden) is hidden for layer in range(1, 5))
    assert all(method.train().layer_hook(layer, hidden) is hidden for layer in (1, 2, 3))


def test_drops_each_samples_most_attended_cells(method, hidden, monkeypatch):
    monkeypatch.setattr(adl, "DROP_RATE", 1.0)
    left = method.layer_hook(4, hidden)
    assert torch.equal(left, hidden * torch.tensor([0.0, 0.0, 1.0, 1.0]))


def test_weights_by_importance_otherwise(method, hidden, monkeypatch):
    monkeypatch.setattr(adl, "DROP_RATE", 0.0)
    torch.testing.assert_close(method.layer_hook(4, hidden), hidden * hidden[:, :1].sigmoid())


def test_constants_are_the_paper_s():
    assert (adl.DROP_RATE, adl.THRESHOLD) == (0.4, 0.1)


def test_drops_as_often_as_it_should(method, hidden):
    torch.manual_seed(0)
    dropped = [method.layer_hook(4, hidden)[0, 0, 0, 0].item() == 0 for _ in range(500)]
    assert sum(dropped) / 500 == pytest.approx(adl.DROP_RATE, abs=0.07)


def test_the_network_goes_on_with_what_is_left_of_layers_that_stay_whole(classifier_of, batch, monkeypatch):
    monkeypatch.setattr(adl, "DROP_RATE", 1.0)
    classifier, _ = classifier_of("adl")
    images = batch.images / 255
    with torch.no_grad():
        whole, left = classifier.eval()(images), classifier.train()(images)
    for layer in range(4):
        assert torch.equal(whole.layers[layer], left.layers[layer])
    fourth, fifth = left.layers[3:]
    assert torch.equal(fifth, torch.relu(classifier.backbone.stages[4](dropped(fourth))))
    assert not torch.equal(fifth, whole.layers[4])
    weights = classifier.method.linear.weight
    torch.testing.assert_close(left.maps, torch.einsum("bchw,kc->bkhw", dropped(fifth), weights))
    assert not torch.allclose(left.maps, torch.einsum("bchw,kc->bkhw", fifth, weights))


def dropped(layer):
    return layer * adl.drop_mask(layer.mean(dim=1, keepdim=True))
