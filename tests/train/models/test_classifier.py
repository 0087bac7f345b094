import torch

from train.attribution.cams import gradient_maps
from train.attribution.prediction_maps import predict_maps
from train.data.luma import luma
from train.models.classifier import Classifier


def test_forward(classifier):
    output = classifier(torch.rand(2, 3, 112, 112))
    assert output.logits.shape == (2, 3)
    assert len(output.layers) == 5
    torch.testing.assert_close(output.logits, classifier.method.linear(output.layers[-1].mean(dim=(2, 3))))


def test_without_colour_an_image_and_its_grey_values_are_one(params):
    grey = Classifier(params.train.model_copy(update={"colour": False}), 3, pretrained=False).eval()
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([0, 2])
    twins = luma(images).expand_as(images)
    torch.testing.assert_close(grey(images).logits, grey(twins).logits)
    for look in (lambda x: predict_maps(grey, x, targets, (28, 28)).maps, lambda x: gradient_maps(grey, x, targets)):
        for one, other in zip(look(images).values(), look(twins).values(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    grey.colour = True
    assert not torch.allclose(grey(images).logits, grey(twins).logits)
