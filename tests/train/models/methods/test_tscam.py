import pytest
import torch

from pipeline.runtime.errors import InputError
from train.models.backbones import Features
from train.models.classifier import Classifier
from train.models.methods import tscam


def test_maps_are_coupled_with_the_attention_and_scores_are_not(features):
    method = tscam.TsCam((4, 6, 8, 10, 12), 3)
    attention = torch.rand(2, 6, 5)
    uncoupled = method.conv(features.layers[-1])
    scores = method(Features(features.layers, attention))
    torch.testing.assert_close(scores.logits, uncoupled.mean(dim=(2, 3)))
    for k in range(3):
        torch.testing.assert_close(scores.maps[:, k], uncoupled[:, k] * attention)


def test_guidance_of_the_maps_reaches_the_attention(features):
    attention = torch.rand(2, 6, 5, requires_grad=True)
    tscam.TsCam((4, 6, 8, 10, 12), 3)(Features(features.layers, attention)).maps.square().sum().backward()
    assert (attention.grad != 0).all()


def test_a_backbone_without_attention_is_refused(params):
    settings = params.train.model_copy(update={"method": "tscam"})
    with pytest.raises(InputError, match=r"train\.method tscam .* train\.backbone dlib_resnet does not give: set .* hf:"):
        Classifier(settings, 3, pretrained=False)
