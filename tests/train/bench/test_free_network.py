import torch

from train.bench.free_network import CELLS, FreeBackbone, free_network
from train.models.classifier import Classifier


def test_every_classifier_has_the_free_backbone(params):
    with free_network():
        classifier = Classifier(params.train, 7)
    assert isinstance(classifier.backbone, FreeBackbone)
    assert not isinstance(Classifier(params.train, 7, pretrained=False).backbone, FreeBackbone)
    output = classifier(torch.rand(2, 3, 64, 64))
    assert output.logits.shape == (2, 7)
    assert [layer.shape for layer in output.layers] == [(2, 3, CELLS, CELLS)] * 5
    output.logits.sum().backward()
    assert classifier.backbone.weights.grad.abs().min() > 0
