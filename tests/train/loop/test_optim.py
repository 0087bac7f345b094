from types import SimpleNamespace

import pytest
import torch
from torch import nn

from train.loop import optim, resume
from train.loop.resume import State
from train.models import checkpoint as checkpoints


def test_stepped_rate_falls_every_few_epochs(params):
    stepped = params.train.model_copy(update={"schedule": "step", "step_epochs": 2, "step_factor": 0.5})
    rate = optim.lr_lambda(stepped, steps_per_epoch=3)
    assert [rate(step) for step in (0, 5, 6, 11, 12)] == [1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_every_parameter_has_its_peak_rate(params, name, kind):
    block = params.train.model_copy(update={"optimizer": name, "weight_decay": 0.03})
    config = checkpoints.Config("guided", 0, ("a", "b"), block.model_dump(mode="json", by_alias=True), 0, {}, {})
    classifier = checkpoints.build(config, pretrained=False)
    optimizer = optim.optimizer(classifier, block)
    assert type(optimizer) is kind
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.03}  # not PyTorch's own
    assert [group["lr"] for group in optimizer.param_groups] == [block.learning_rate, block.head_learning_rate]
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for parameter in classifier.parameters()}


@pytest.mark.parametrize("steps", [1, 2, 5, 6, 100])
def test_rates_rise_to_their_peaks_and_fall(params, steps):
    rate = optim.lr_lambda(params.train.model_copy(update={"epochs": 1}), steps)
    rates = [rate(step) for step in range(steps)]
    assert max(rates) == pytest.approx(1)
    assert min(rates) > 0
    assert steps < 6 or rates[-1] < 0.4


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "step"])
@pytest.mark.parametrize("killed_after", [None, 1, 4, 9, 17])
def test_every_step_has_its_share_of_the_peak_rates_to_the_bit(params, tmp_path, kind, schedule, killed_after):
    changes = {"optimizer": kind, "schedule": schedule, "epochs": 6, "step_epochs": 2, "step_factor": 0.9}
    block = params.train.model_copy(update={**changes, "learning_rate": 3e-4, "head_learning_rate": 7e-3})
    share_of_peak, steps = optim.lr_lambda(block, steps_per_epoch=3), 18
    rates = []

    def begin():
        model = nn.ModuleDict({"backbone": nn.Linear(2, 2), "method": nn.Linear(2, 2)})
        optimizer = optim.optimizer(model, block)
        optimizer.register_step_pre_hook(lambda *_: rates.append([group["lr"] for group in optimizer.param_groups]))
        return model, optimizer, optim.schedule(optimizer, share_of_peak)

    def train(model, optimizer, scheduler, number):
        for _ in range(number):
            model.method(model.backbone(torch.ones(1, 2))).sum().backward()
            optimizer.step()
            scheduler.step()

    model, optimizer, scheduler = begin()
    train(model, optimizer, scheduler, killed_after or steps)
    if killed_after:
        resume.save(tmp_path / "a.safetensors", State("run", step=killed_after), model, optimizer)
        model, optimizer, _ = begin()
        state = resume.load(tmp_path / "a.safetensors", "run", model, optimizer)
        train(model, optimizer, optim.schedule(optimizer, share_of_peak, state.step), steps - killed_after)
    peaks = (block.learning_rate, block.head_learning_rate)
    assert rates == [[peak * share_of_peak(step) for peak in peaks] for step in range(steps)]


@pytest.mark.parametrize(("device", "fused"), [("cpu", None), ("mps", None), ("cuda", True)])
@pytest.mark.parametrize(("name", "kind"), [("adamw", "AdamW"), ("sgd", "SGD")])
def test_a_gpu_updates_all_parameters_at_once(params, monkeypatch, device, fused, name, kind):
    asked = []
    monkeypatch.setattr(torch.optim, kind, lambda groups, **options: asked.append(options["fused"]))
    parts = {"backbone": nn.Linear(2, 2), "method": nn.Linear(2, 2)}
    there = SimpleNamespace(**parts, parameters=lambda: iter([SimpleNamespace(device=torch.device(device))]))
    optim.optimizer(there, params.train.model_copy(update={"optimizer": name}))
    assert asked == [fused]
