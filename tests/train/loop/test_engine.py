from dataclasses import replace

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.data import region_swaps
from train.data.augmentation import random_params
from train.data.dataset import Batch
from train.loop import engine, optim
from train.loop.distributed import DistributedContext
from train.models import checkpoint as checkpoints
from train.models.backbones.dlib_resnet import DlibResNet
from train.models.classifier import Output

ALONE = DistributedContext(0, 1, torch.device("cpu"))


@pytest.fixture
def small(params):
    """Parameters of a fast run."""
    return params.train.model_copy(update={"input_size": 64, "label_smoothing": 0.0})


def batches(number=2, size=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for i in range(number):
        yield Batch(
            torch.randint(0, 256, (size, 3, 96, 96), generator=generator, dtype=torch.uint8),
            torch.randint(0, 256, (size, 1, 28, 28), generator=generator, dtype=torch.uint8),
            torch.arange(size) % 3 > 0,
            torch.arange(size) % 3,
            torch.arange(size) + i * size,
        )


def draws(number, generator):
    """The random numbers of a batch; those of swaps are not used."""
    return engine.Draws(random_params(number, generator), torch.zeros(number, region_swaps.NUMBERS))


def context_of(classifier, params, learning_rate=1e-3):
    optimizer = torch.optim.SGD([{"params": classifier.parameters(), "lr": learning_rate, "initial_lr": learning_rate}])
    return engine.TrainContext(classifier, classifier, params, optimizer, torch.ones(3), ALONE)


def steady(context):
    """A schedule that leaves the learning rates at their peak."""
    return optim.schedule(context.optimizer, lambda step: 1.0)


def train_epoch(context, batches):
    return engine.train_epoch(context, batches, steady(context))


def run(params, learning_rate=1e-3):
    torch.manual_seed(0)
    config = checkpoints.Config("guided", 1, ("a", "b", "c"), params.model_dump(mode="json", by_alias=True), 0, {}, {})
    classifier = checkpoints.build(config)
    generator = torch.Generator().manual_seed(0)
    numbered = ((batch, draws(len(batch.targets), generator)) for batch in batches())
    metrics = train_epoch(context_of(classifier, params, learning_rate), numbered)
    return classifier, metrics


def test_epoch_reports_what_it_did_and_changes_the_weights(small):
    classifier, metrics = run(small)
    assert set(metrics) == {"cross_entropy", "alignment", "cam_alignment", "accuracy"}
    assert 0 < metrics["alignment"] < 1
    assert not torch.equal(classifier.backbone.stem[0].weight, DlibResNet(False).stem[0].weight)


def test_lambda_weighs_the_alignment_loss(small):
    states = [run(small.model_copy(update={"lambda_": lambda_}))[0].state_dict() for lambda_ in (0.0, 0.0, 4.0)]
    weight = "backbone.stages.3.0.conv1.weight"
    assert torch.equal(states[0][weight], states[1][weight])
    assert not torch.equal(states[0][weight], states[2][weight])


def test_class_map_is_guided_where_it_is_asked_for(small):
    def trained(*align, weight=20.0):
        params = small.model_copy(update={"align": align, "cam_lambda": weight})
        return run(params)[0].state_dict()["method.linear.weight"]

    attention_alone = trained("attention")
    assert torch.equal(trained("attention", "cam", weight=0.0), attention_alone)
    assert not torch.equal(trained("attention", "cam"), attention_alone)


def test_what_is_not_guided_has_no_gradient(small):
    classifier, _ = run(small)
    (batch,) = batches(1)
    view = engine.whole_view(batch, small.input_size)
    for align, guided in (((), (False, False)), (("attention",), (True, False)), (("cam",), (False, True))):
        params = small.model_copy(update={"align": align})
        found = engine.losses(classifier, classifier(view.images), view, params, torch.ones(3))
        assert (found.attention.requires_grad, found.cam.requires_grad) == guided
        assert found.attention > 0
        assert found.cam > 0


def test_rare_classes_can_count_more(small):
    classifier, _ = run(small)
    (batch,) = batches(1)
    view = engine.whole_view(batch, small.input_size)
    output = classifier(view.images)
    each = torch.nn.functional.cross_entropy(output.logits, view.targets, reduction="none")
    weights = torch.tensor([2.0, 0.5, 1.0])
    found = engine.losses(classifier, output, view, small, weights).classification
    torch.testing.assert_close(found, (each * weights[view.targets]).mean())


def test_face_made_of_two_is_of_both_classes(small):
    classifier, _ = run(small)
    (batch,) = batches(1)
    view = engine.whole_view(batch, small.input_size)
    others, share = view.targets.roll(1), torch.linspace(0, 1, len(view.targets))
    mixed = replace(view, mixed_targets=others, mix_ratio=share)
    output = classifier(view.images)
    entropy = -output.logits.log_softmax(dim=1)
    rows = torch.arange(len(share))
    expected = share * entropy[rows, view.targets] + (1 - share) * entropy[rows, others]
    found = engine.losses(classifier, output, mixed, small, torch.ones(3))
    torch.testing.assert_close(found.classification, expected.mean())


def test_loss_that_is_not_finite_stops_with_the_rows(small):
    with pytest.raises(
        InputError, match=r"the loss is (nan|inf) on rows \[.*\] of the face shards: lower train.learning_rate"
    ):
        run(small, learning_rate=1e30)


def test_validation_is_the_mean_over_samples_whatever_the_batches(small):
    classifier, _ = run(small)
    (whole,) = batches(1, size=6)
    parts = [Batch(*(value[rows] for value in vars(whole).values())) for rows in (slice(0, 4), slice(4, 6))]
    together, apart = (engine.validate(context_of(classifier, small), batches) for batches in ([whole], parts))
    assert together == pytest.approx(apart, abs=1e-5)
    assert not classifier.training


def test_validation_without_any_map_has_no_att_cos(small):
    classifier, _ = run(small)
    (batch,) = batches(1)
    without = Batch(batch.images, batch.heatmaps, torch.zeros_like(batch.has_map), batch.targets, batch.rows)
    assert "att_cos" not in engine.validate(context_of(classifier, small), [without])


def test_every_step_has_its_own_rate(small):
    classifier, _ = run(small)
    context = context_of(classifier, small, learning_rate=0.5)
    schedule = optim.schedule(context.optimizer, {7: 0.5, 8: 0.25, 9: 0.125}.get, step=7)
    rates = []
    context.optimizer.register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    engine.train_epoch(context, [(batch, draws(6, torch.Generator())) for batch in batches(2)], schedule)
    assert rates == [0.25, 0.125]


def test_every_loss_has_its_own_weight(small, monkeypatch):
    params = small.model_copy(update={"align": ("attention", "cam"), "lambda_": 3.0, "cam_lambda": 0.5})
    classifier, _ = run(small)
    leaves = [torch.ones((), requires_grad=True) for _ in engine.Losses._fields]
    monkeypatch.setattr(engine, "losses", lambda *_: engine.Losses(*leaves))
    (batch,) = batches(1)
    train_epoch(context_of(classifier, params), [(batch, draws(6, torch.Generator()))])
    assert [leaf.grad.item() for leaf in leaves] == [1.0, 3.0, 0.5]


def test_a_step_is_no_longer_than_the_clip_allows(small):
    lengths = []
    for clip in (0.0, 0.01):
        params = small.model_copy(update={"max_grad_norm": clip})
        classifier, _ = run(params)
        before = [value.detach().clone() for value in classifier.parameters()]
        (batch,) = batches(1)
        context = context_of(classifier, params, learning_rate=1.0)
        train_epoch(context, [(batch, draws(6, torch.Generator().manual_seed(0)))])
        after = classifier.parameters()
        lengths.append(sum(((a - b) ** 2).sum() for a, b in zip(after, before, strict=True)).sqrt().item())
    assert lengths[0] > 0.1
    assert lengths[1] == pytest.approx(0.01, rel=0.01)


@pytest.fixture
def output():
    """Of six faces and three classes, with leaves for all that a loss may pull at."""
    generator = torch.Generator().manual_seed(0)
    layers = [torch.rand(6, 4, 5, 5, generator=generator, requires_grad=True) for _ in range(5)]
    logits, maps = (torch.randn(6, 3, *size, generator=generator) for size in ((), (5, 5)))
    return Output(logits, layers, maps.requires_grad_(), ())


def guided(small, output, **params):
    """The losses of ``output`` as that of six faces; the first of every three has no map."""
    params = small.model_copy(update=params)
    classifier, _ = run(small)
    (batch,) = batches(1)
    view = engine.whole_view(batch, small.input_size)
    return view, engine.losses(classifier, output, view, params, torch.ones(3))


def test_the_layers_that_are_named_are_guided(small, output):
    _, found = guided(small, output, layers=(2, 4), align=("attention",))
    found.attention.backward()
    assert [layer.grad is not None for layer in output.layers] == [False, True, False, True, False]


def test_the_true_class_s_map_alone_is_guided(small, output):
    view, found = guided(small, output, align=("cam",))
    found.cam.backward()
    pulled = output.maps.grad.flatten(2).abs().amax(dim=2) > 0
    expected = torch.nn.functional.one_hot(view.targets, 3).bool() & view.has_map[:, None]
    assert torch.equal(pulled, expected)


def test_labels_are_smoothed(small, output):
    view, found = guided(small, output, label_smoothing=0.2)
    expected = torch.nn.functional.cross_entropy(output.logits, view.targets, label_smoothing=0.2)
    torch.testing.assert_close(found.classification, expected)


def test_face_made_of_two_has_the_map_of_both_classes_by_their_shares(small, output):
    view, _ = guided(small, output)
    mixed = replace(view, mixed_targets=view.targets.roll(1), mix_ratio=torch.linspace(0, 1, 6))
    maps = torch.arange(3.0).view(1, 3, 1, 1).expand(6, 3, 2, 2)  # each class's map is its number
    expected = mixed.mix_ratio * mixed.targets + (1 - mixed.mix_ratio) * mixed.mixed_targets
    torch.testing.assert_close(engine.target_maps(maps, mixed)[:, 0, 0], expected)


def test_the_alignment_losses_are_compiled_with_the_network(small, output, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    losses = [lambda *_: torch.tensor(0.25), lambda *_: torch.tensor(0.5)]
    for name, loss in zip(("alignment_loss", "map_alignment_loss"), losses, strict=True):
        monkeypatch.setattr(engine, name, loss)
    for _ in range(2):
        _, found = guided(small, output, compile=True)
        assert (found.attention, found.cam) == (0.25, 0.5)
    assert compiled == losses  # once each
