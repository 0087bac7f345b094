import pytest
import torch

from train.models.methods import acol


@pytest.fixture
def method():
    torch.manual_seed(0)
    return acol.Acol((4, 6, 8, 10, 12), 3)


def test_erases_from_a_tenth_of_the_normalised_map():
    hidden = torch.ones(1, 2, 1, 4)
    maps = torch.tensor([[-1.0, -0.81, -0.79, 1.0]]).view(1, 1, 1, 4)  # normalised: 0, 0.095, 0.105, 1
    expected = torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(1, 2, 1, 4)
    assert torch.equal(acol.erased(hidden, maps, torch.tensor([0])), expected)


def test_each_sample_is_erased_where_its_own_class_is():
    maps = torch.zeros(2, 2, 1, 2)
    maps[:, 0, 0, 0] = 1  # class 0 is at the left, class 1 at the right
    maps[:, 1, 0, 1] = 1
    left = acol.erased(torch.ones(2, 1, 1, 2), maps, torch.tensor([1, 0]))
    assert left.flatten(1).tolist() == [[1, 0], [0, 1]]


def test_the_true_class_is_erased_where_it_is_known_and_else_the_predicted(method, features):
    first = method.first(features.layers[-1])
    predicted = first.mean(dim=(2, 3)).argmax(dim=1)
    true = (predicted + 1) % 3

    def of(classes):
        return method.second(acol.erased(features.layers[-1], first, classes)).mean(dim=(2, 3))

    torch.testing.assert_close(method(features, true).aux_logits[0], of(true))
    torch.testing.assert_close(method(features).aux_logits[0], of(predicted))
    assert not torch.allclose(of(true), of(predicted))


def test_maps_are_the_maximum_of_both_branches(method, features):
    scores = method(features)
    maps = scores.maps.flatten(2)
    torch.testing.assert_close(maps.amax(dim=2), torch.ones(2, 3))
    method.second[-1].weight.data.zero_()
    alone = method(features).maps.flatten(2)  # a constant map is zeros: the first branch's is left
    assert (maps >= alone).all()
    torch.testing.assert_close(alone.amin(dim=2), torch.zeros(2, 3))


def test_both_branches_are_trained_alike(method, features):
    targets = torch.tensor([0, 2])
    scores = method(features, targets)
    each = [torch.nn.functional.cross_entropy(one, targets, reduction="none") for one in (scores.logits, *scores.aux_logits)]
    torch.testing.assert_close(method.classification_loss(scores, targets, 0.0), sum(each) / 2)


def test_erasing_is_no_way_for_the_gradient(method):
    hidden, maps = torch.rand(1, 2, 3, 3, requires_grad=True), torch.rand(1, 3, 3, 3, requires_grad=True)
    acol.erased(hidden, maps, torch.tensor([1])).sum().backward()
    assert maps.grad is None
    assert set(hidden.grad.unique().tolist()) == {0.0, 1.0}
