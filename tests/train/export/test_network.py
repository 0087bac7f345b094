import pytest
import torch

from train.attribution.prediction_maps import predict_maps
from train.export.network import ExportedNetwork
from train.models import checkpoint as checkpoints
from train.models.maps import normalise
from train.models.methods import METHODS


@pytest.mark.parametrize("method", METHODS)
def test_outputs_are_those_of_evaluate(method, save, portraits):
    classifier, _ = checkpoints.load(save(method))
    network, images = ExportedNetwork(classifier, 64, 28), portraits(3, 64)
    with torch.no_grad():
        outputs = dict(zip(network.output_names, network(images), strict=True))
    assert ("class_maps" in outputs) == (method != "apvit")
    for target in range(4):
        expected = predict_maps(classifier, images, torch.full((3,), target), (28, 28))
        torch.testing.assert_close(outputs["logits"], expected.logits, atol=1e-6, rtol=0)
        torch.testing.assert_close(outputs["attention"], normalise(expected.maps["layer5"]), atol=1e-6, rtol=0)
        if "class_maps" in outputs:
            torch.testing.assert_close(outputs["class_maps"][:, [target]], expected.maps["cam"], atol=1e-6, rtol=0)
