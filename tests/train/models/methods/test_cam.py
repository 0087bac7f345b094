import torch

from train.models.backbones import Features
from train.models.methods.cam import Cam


def test_mean_of_a_class_map_and_the_bias_are_its_logit():
    method, last = Cam((1, 1, 1, 1, 6), 3), torch.rand(4, 6, 5, 7)
    logits, maps, _ = method(Features([last[:, :1]] * 4 + [last]))
    assert maps.shape == (4, 3, 5, 7)
    torch.testing.assert_close(maps.mean(dim=(2, 3)) + method.linear.bias, logits)


def test_maps_mirror_with_the_features_and_the_decision_does_not_change():
    method, last = Cam((1, 1, 1, 1, 6), 3), torch.rand(4, 6, 5, 7)
    one, other = (method(Features([x[:, :1]] * 4 + [x])) for x in (last, last.flip(-1)))
    torch.testing.assert_close(other.maps, one.maps.flip(-1))
    torch.testing.assert_close(other.logits, one.logits)
