import pytest
import torch

from train.alignment import map_alignment_loss
from train.attribution.cams import GRADIENT_MAPS, gradient_maps
from train.attribution.prediction_maps import at_resolution, predict_maps
from train.models.backbones import Features
from train.models.classifier import Classifier
from train.models.maps import attention_cosine, cam_cosine, cam_map, cosine


@pytest.fixture(scope="module")
def classifier(params):
    torch.manual_seed(0)
    return Classifier(params.train, 4, pretrained=False).eval()


def test_maps_are_those_that_the_metrics_take(classifier):
    images, targets, heatmaps = torch.rand(3, 3, 64, 64), torch.tensor([3, 0, 1]), torch.rand(3, 1, 28, 28)
    predicted = predict_maps(classifier, images, targets, (28, 28))
    with torch.no_grad():
        output = classifier(images)
    torch.testing.assert_close(predicted.logits, output.logits)
    for number, layer in enumerate(output.layers, start=1):
        torch.testing.assert_close(cosine(predicted.maps[f"layer{number}"], heatmaps), attention_cosine(layer, heatmaps))
        assert predicted.sizes[f"layer{number}"] == tuple(layer.shape[2:])
    own = output.maps[torch.arange(3), targets]
    torch.testing.assert_close(cosine(predicted.maps["cam"], heatmaps), cam_cosine(own, heatmaps))
    for name, maps in gradient_maps(classifier, images, targets).items():
        torch.testing.assert_close(predicted.maps[name], cam_map(maps, (28, 28)), atol=1e-4, rtol=0)
    assert not any(maps.requires_grad for maps in predicted.maps.values())
    assert not any(parameter.grad is not None for parameter in classifier.parameters())


def half(hidden):
    """Features without their left half."""
    return hidden * (torch.arange(hidden.shape[3]) >= hidden.shape[3] // 2)


def test_gradients_are_those_of_a_layer_as_it_is_shown(classifier, monkeypatch):
    """The method may continue with other features, in its layer hook or in its own forward pass."""
    forward = classifier.method.forward
    monkeypatch.setattr(classifier.method, "layer_hook", lambda layer, hidden: half(hidden) if layer == 4 else hidden)
    monkeypatch.setattr(
        classifier.method,
        "forward",
        lambda features, targets=None: forward(Features([*features.layers[:-1], half(features.layers[-1])]), targets),
    )
    images, targets = torch.rand(3, 3, 64, 64), torch.tensor([3, 0, 1])
    output = classifier(images)
    gradients = torch.autograd.grad(output.logits[torch.arange(3), targets].sum(), output.layers)
    for layer in (3, 4, 5):
        maps = gradient_maps(classifier, images, targets, layer)
        for name, compute in GRADIENT_MAPS.items():
            expected = compute(output.layers[layer - 1].detach(), gradients[layer - 1])
            torch.testing.assert_close(maps[name], expected, atol=1e-5, rtol=1e-3)
            if layer == 5:
                predicted = predict_maps(classifier, images, targets, (28, 28)).maps[name]
                torch.testing.assert_close(predicted, cam_map(expected, (28, 28)), atol=1e-3, rtol=0)
    middle = gradients[4].shape[3] // 2
    assert not gradients[4][..., :middle].any()
    assert gradients[4][..., middle:].any()


def test_a_method_without_maps_has_the_gradients_ones(classifier, monkeypatch):
    forward = classifier.method.forward
    monkeypatch.setattr(classifier.method, "forward", lambda *inputs: forward(*inputs)._replace(maps=None))
    predicted = predict_maps(classifier, torch.rand(2, 3, 64, 64), torch.tensor([0, 1]), (28, 28))
    assert "cam" not in predicted.maps
    assert {"gradcam", "gradcam_pp", "gradcam_pp_divided", "layercam"} <= predicted.maps.keys()


def test_at_resolution_is_what_a_small_map_can_show():
    maps = torch.zeros(1, 1, 28, 28)
    maps[..., 2:9, 3:8] = 1
    for kind in ("layer5", "cam"):
        cosines = [cosine(at_resolution(kind, maps, (size, size)), maps).item() for size in (2, 4, 7, 28)]
        assert cosines == sorted(cosines)
        assert cosines[0] < 0.7
        assert cosines[-1] == pytest.approx(1)
    torch.testing.assert_close(
        at_resolution("layercam", maps, (7, 7)), at_resolution("cam", maps, (7, 7))
    )  # no layer's attention
    assert not torch.equal(at_resolution("layer5", maps, (7, 7)), at_resolution("cam", maps, (7, 7)))


def test_no_small_map_is_much_better_than_the_ceiling():
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    blobs = [torch.exp(-((y - row) ** 2 + (x - column) ** 2) / 18) for row, column in ((6, 7), (6, 20), (21, 14))]
    heatmap = sum(blobs)[None, None]
    ceiling = cosine(at_resolution("cam", heatmap, (7, 7)), heatmap).item()
    best = torch.rand(1, 7, 7, requires_grad=True)
    optimizer = torch.optim.Adam([best], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        map_alignment_loss(best, heatmap, torch.tensor([True])).backward()
        optimizer.step()
    assert ceiling - 0.001 < cam_cosine(best, heatmap).item() < ceiling + 0.05
