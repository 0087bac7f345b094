import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.attribution import cams
from train.attribution.cams import gradient_maps
from train.models.backbones import Backbone, Features
from train.models.classifier import Classifier
from train.models.methods.method import Method, Scores

KINDS = {"gradcam": "GradCAM", "gradcam_pp": "GradCAMpp", "layercam": "LayerCAM"}  # and torchcam's names


class Trunk(Backbone):
    """Five small layers; ``last`` makes the last of them end in what gradients of both signs come through."""

    def __init__(self, last):
        super().__init__()
        widths = (3, 4, 5, 6, 7, 8)
        ends = [nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.ReLU(), last]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), end)
            for a, b, end in zip(widths, widths[1:], ends, strict=False)
        )
        self.channels = widths[1:]

    def forward(self, images, layer_hook=lambda layer, hidden: hidden):
        layers = []
        hidden = images
        for number, layer in enumerate(self.layers):
            hidden = layer(layer_hook(number, hidden) if number else hidden)
            layers.append(hidden)
        return Features(layers)


class Wide(Method):
    """A head that looks at places: its gradient differs between them, and nothing is linear."""

    def __init__(self, channels, number_of_classes):
        super().__init__(channels, number_of_classes)
        self.conv = nn.Conv2d(channels[-1], 9, 3, stride=2)
        self.linear = nn.Linear(9, number_of_classes)

    def forward(self, features, targets=None):
        hidden = F.softplus(self.conv(F.dropout(features.layers[-1], 0.5, self.training)))
        return Scores(self.linear(hidden.amax(dim=(2, 3)) + hidden.mean(dim=(2, 3))), None)


class Logits(nn.Module):
    """A classifier as torchcam wants it, with its layers as modules."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier
        self.taps = nn.ModuleList(nn.Identity() for _ in range(5))

    def forward(self, images):
        def layer_hook(layer, hidden):
            return self.taps[layer - 1](hidden)

        *layers, last = self.classifier.backbone(images, layer_hook).layers
        return self.classifier.method(Features([*layers, self.taps[4](last)])).logits


def classifier_of(name, params):
    torch.manual_seed(len(name))
    classifier = Classifier(params.train, 4, pretrained=False)
    if name != "dlib_resnet":
        classifier.backbone = Trunk(nn.Tanh() if name == "signed" else nn.ReLU())
        classifier.method = Wide(classifier.backbone.channels, 4)
    with torch.no_grad():  # a head that discriminates: third powers of its gradients are no noise
        classifier.method.linear.weight.mul_(20)
    return classifier.double().eval()


def rand(number, side):
    return torch.rand(number, 3, side, side, dtype=torch.float64)  # rounding is no difference between formulas


@pytest.mark.parametrize("name", ["dlib_resnet", "signed", "rectified"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [5, 3])
def test_equals_torchcam(name, kind, layer, params):
    """Before its normalisation, relative to the greatest value; and after it, which divides by maximum + 1e-8."""
    methods = pytest.importorskip("torchcam.methods")
    classifier, images, targets = classifier_of(name, params), rand(5, 64), torch.tensor([3, 0, 1, 2, 0])
    ours = gradient_maps(classifier, images, targets, layer)[kind]
    model = Logits(classifier).eval()
    with getattr(methods, KINDS[kind])(model, f"taps.{layer - 1}") as extractor:
        theirs = extractor(targets.tolist(), model(images), normalized=False)[0]
        normalised = extractor(targets.tolist(), model(images), normalized=True)[0]
    assert ours.shape == theirs.shape
    assert ours.amax() > 0
    scale = theirs.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
    torch.testing.assert_close(ours / scale, theirs / scale, atol=1e-5, rtol=0)
    low = ours.amin(dim=(1, 2), keepdim=True)
    span = ours.amax(dim=(1, 2), keepdim=True) - low
    torch.testing.assert_close((ours - low) / (span + 1e-8), normalised, atol=1e-5, rtol=0)


def test_by_hand():
    """Two channels of two places: G is 2 and -1 in the first, 1 and 0 in the second."""
    features = torch.tensor([[[[1.0, 3.0]], [[2.0, 4.0]]]])
    gradients = torch.tensor([[[[2.0, -1.0]], [[1.0, 0.0]]]])
    # Means of G: 0.5 and 0.5. Sums of G² relu(G): 8 and 1. alpha where G > 0: 4 / (8 + 8 * 4) and 1 / (2 + 1 * 6).
    expected = {
        "gradcam": [0.5 * 1 + 0.5 * 2, 0.5 * 3 + 0.5 * 4],
        "gradcam_pp": [8.0 * 1 + 1 * 2, 8 * 3 + 1 * 4],
        "gradcam_pp_divided": [0.2 * 1 + 0.125 * 2, 0.2 * 3 + 0.125 * 4],
        "layercam": [2.0 * 1 + 1 * 2, 0.0],
    }
    for name, values in expected.items():
        maps = cams.GRADIENT_MAPS[name](features, gradients)
        torch.testing.assert_close(maps, torch.tensor([[values]]), msg=name)
    negative = -gradients.abs()
    assert all(not compute(features, negative).any() for compute in cams.GRADIENT_MAPS.values())


def test_divided_grad_cam_pp_holds_for_the_small_gradients_of_many_cells():
    generator = torch.Generator().manual_seed(0)
    features, gradients = torch.rand(1, 8, 4, 4, generator=generator), torch.randn(1, 8, 4, 4, generator=generator) * 1e-5
    F, G = features.double(), gradients.double()
    alpha = G**2 / (2 * G**2 + G**3 * F.sum(dim=(2, 3), keepdim=True))
    expected = (F * (alpha * G.relu()).sum(dim=(2, 3), keepdim=True)).sum(dim=1).relu()
    torch.testing.assert_close(cams.grad_cam_pp_divided(features, gradients), expected.float())


def test_of_a_linear_head_grad_cam_is_the_positive_part_of_the_cam(params):
    classifier, images, targets = classifier_of("dlib_resnet", params), rand(3, 64), torch.tensor([2, 0, 1])
    output = classifier(images)
    maps = output.maps[torch.arange(3), targets]
    places = maps[0].numel()
    torch.testing.assert_close(gradient_maps(classifier, images, targets)["gradcam"] * places, F.relu(maps).detach())


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_classifier_as_it_was(training, params, monkeypatch):
    classifier = classifier_of("signed", params).train(training)
    classifier.backbone.layers[2].train(not training)
    for parameter in classifier.parameters():
        parameter.grad = torch.ones_like(parameter)
    modes = [part.training for part in classifier.modules()]
    state = {name: value.clone() for name, value in classifier.state_dict().items()}
    for kind in ("forward", "forward_pre", "full_backward", "full_backward_pre"):  # a hook that is never set cannot stay
        monkeypatch.setattr(nn.Module, f"register_{kind}_hook", None)
    gradient_maps(classifier, rand(2, 20), torch.tensor([0, 1]), 4)
    assert torch.is_grad_enabled()
    assert [part.training for part in classifier.modules()] == modes
    assert all(parameter.grad.eq(1).all() for parameter in classifier.parameters())
    assert all(torch.equal(value, state[name]) for name, value in classifier.state_dict().items())


def test_a_failure_leaves_the_mode_too(params):
    classifier = classifier_of("signed", params).train()
    with torch.no_grad(), pytest.raises((IndexError, RuntimeError)):
        gradient_maps(classifier, rand(2, 20), torch.tensor([0, 99]))
    assert classifier.training
    assert classifier.backbone.training


def test_samples_of_a_batch_do_not_mix(params):
    classifier, images, targets = classifier_of("rectified", params), rand(4, 24), torch.tensor([3, 0, 1, 0])
    together = gradient_maps(classifier, images, targets, 4)
    for i in range(4):
        alone = gradient_maps(classifier, images[i : i + 1], targets[i : i + 1], 4)
        for name, maps in together.items():
            torch.testing.assert_close(maps[i : i + 1], alone[name], msg=name, atol=1e-5, rtol=1e-4)


def test_a_backbone_that_cannot_be_cut_within_has_maps_of_its_last_layer_alone(params):
    class Uncut(Trunk):
        supports_layer_hook = False

        def forward(self, images, layer_hook=None):
            return super().forward(images)

    classifier = classifier_of("rectified", params)
    uncut = Uncut(nn.ReLU()).double().eval()
    uncut.load_state_dict(classifier.backbone.state_dict())
    images, targets = rand(2, 32), torch.tensor([0, 3])
    expected = gradient_maps(classifier, images, targets)
    classifier.backbone = uncut
    maps_of_uncut = gradient_maps(classifier, images, targets)
    assert all(torch.equal(maps_of_uncut[name], maps) for name, maps in expected.items())
    with pytest.raises(ValueError, match="cannot be cut after layer 4, only after layer 5"):
        gradient_maps(classifier, images, targets, layer=4)
