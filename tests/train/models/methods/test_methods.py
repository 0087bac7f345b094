"""What holds for every method."""

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from pipeline.runtime.parameters import Augment, Train
from train.data import region_swaps
from train.data.augmentation import random_params, whole_view
from train.loop import engine, optim
from train.loop.distributed import DistributedContext
from train.models import methods
from train.models.backbones import Features
from train.models.classifier import Classifier
from train.models.methods import METHODS, Method

ALONE = DistributedContext(0, 1, torch.device("cpu"))
STILL = Augment(rotation=0, scale=1, flip=0, jitter=0, grey=0, erase=0)


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def learner_of(classifier, settings, rate=0.01):
    optimizer = torch.optim.AdamW([{"params": classifier.parameters(), "lr": rate, "initial_lr": rate}])
    return engine.TrainContext(classifier, classifier, settings, optimizer, torch.ones(3), ALONE)


def fit(context, batch, steps):
    """Train on one batch again and again, by the engine."""
    of_views = random_params(steps * 8, torch.Generator().manual_seed(0)).split(8)
    drawn = [(batch, engine.Draws(numbers, torch.zeros(8, region_swaps.NUMBERS))) for numbers in of_views]
    return engine.train_epoch(context, drawn, optim.schedule(context.optimizer, lambda step: 1.0))


def gradients(classifier, settings, batch):
    """Names of the parameters that get a gradient from the losses."""
    view = classifier.method.mix(whole_view(batch, 64), random_params(8, torch.Generator().manual_seed(0))[:, -4:])
    output = classifier.train()(view.images, view.targets)
    sum(engine.losses(classifier, output, view, settings, torch.ones(3))).backward()
    return {name for name, value in classifier.named_parameters() if value.grad is not None and value.grad.any()}


def test_the_parameters_name_exactly_the_methods():
    assert set(get_args(Train.model_fields["method"].annotation)) == set(METHODS)


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match="unknown method 'none': use one of cam, wildcat"):
        methods.build("none", (1, 1, 1, 1, 1), 3)


@pytest.mark.parametrize("name", METHODS)
def test_learns_eight_faces_by_heart(name, classifier_of, batch, deterministic):
    classifier, settings = classifier_of(
        name, augment=STILL, align=("attention", "cam"), lambda_=0.1, cam_lambda=0.1, label_smoothing=0.0
    )
    rate = 0.001 if name == "apvit" else 0.01  # at higher rates rounding decides whether a transformer learns
    context = learner_of(classifier, settings, rate)
    before = engine.validate(context, [batch])
    trained = fit(context, batch, steps=150)
    after = engine.validate(context, [batch])
    assert trained["cam_alignment"] > 0 or name == "apvit"
    assert after["accuracy"] == 1 > before["accuracy"]


@pytest.mark.parametrize("name", METHODS)
def test_same_training_twice(name, classifier_of, batch, deterministic):
    states = []
    for _ in range(2):
        classifier, settings = classifier_of(name, align=("attention", "cam"))
        fit(learner_of(classifier, settings), batch, steps=2)
        states.append(classifier.state_dict())
    for one, two in zip(*(state.values() for state in states), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


@pytest.mark.parametrize("name", METHODS)
def test_gradient_reaches_every_parameter(name, classifier_of, batch, monkeypatch):
    monkeypatch.setattr(methods.acol, "ERASED_FROM", 0.9)  # so that something of a small map is left
    classifier, settings = classifier_of(name)
    assert gradients(classifier, settings, batch) == {parameter for parameter, _ in classifier.named_parameters()}


@pytest.mark.parametrize("name", [name for name in METHODS if name != "apvit"])
def test_maps_can_be_guided(name, classifier_of, batch):
    classifier, settings = classifier_of(name, align=("cam",))
    view = whole_view(batch, 64)
    output = classifier.train()(view.images, view.targets)
    engine.losses(classifier, output, view, settings, torch.ones(3)).cam.backward()
    assert all(stage.weight.grad.isfinite().all() for stage in classifier.backbone.stages)
    assert classifier.backbone.stages[-1].weight.grad.any()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (2, 2), (7, 4)])
def test_any_number_of_cells_and_one_face(name, size):
    torch.manual_seed(0)
    method = methods.build(name, (4, 6, 8, 10, 12), 3)
    features = Features([torch.rand(1, channels, *size) for channels in method.channels], torch.rand(1, *size))
    for training, targets in ((True, torch.tensor([1])), (False, None)):
        scores = method.train(training)(features, targets)
        assert scores.logits.shape == (1, 3)
        assert scores.logits.isfinite().all()
        assert name == "apvit" or scores.maps.shape == (1, 3, *size)
    sum(value.sum() for value in (*scores.aux_logits, scores.logits)).backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in method.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_one_face_alone_is_what_it_is_among_others(name, classifier_of, batch):
    classifier, _ = classifier_of(name)
    images = batch.images / 255
    with torch.no_grad():
        together, alone = classifier.eval()(images).logits, torch.cat([classifier(image[None]).logits for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_half_precision(name, classifier_of, batch):
    classifier, settings = classifier_of(name, align=("attention", "cam"), amp=True)
    losses = fit(learner_of(classifier, settings), batch, steps=2)
    assert all(0 <= value < 100 for value in losses.values())


@pytest.mark.parametrize("name", ["cam", "wildcat", "prm", "adl", "cutmix"])
def test_maps_turn_with_the_features(name, features):
    torch.manual_seed(0)
    method = methods.build(name, (4, 6, 8, 10, 12), 3).eval()
    mirrored = Features([layer.flip(3) for layer in features.layers])
    scores, of_mirrored = method(features), method(mirrored)
    torch.testing.assert_close(of_mirrored.maps, scores.maps.flip(3))
    torch.testing.assert_close(of_mirrored.logits, scores.logits)


def test_faces_without_any_map_are_trained_too(classifier_of, batch):
    for name in METHODS:
        classifier, settings = classifier_of(name, align=("attention", "cam"))
        losses = fit(learner_of(classifier, settings), replace(batch, has_map=torch.zeros(8, dtype=torch.bool)), steps=1)
        assert losses["alignment"] == losses["cam_alignment"] == 0


def test_the_example_of_the_readme_trains(classifier_of, batch, monkeypatch):
    readme = (Path(methods.__file__).parent / "README.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    written = {}
    exec(compile(source, "maxcam.py", "exec"), written)
    assert issubclass(written["MaxCam"], Method)
    monkeypatch.setitem(METHODS, "maxcam", written["MaxCam"])
    classifier, settings = classifier_of("maxcam", augment=STILL, align=("attention", "cam"))
    assert isinstance(classifier, Classifier)
    assert fit(learner_of(classifier, settings), batch, steps=2)["cam_alignment"] > 0
