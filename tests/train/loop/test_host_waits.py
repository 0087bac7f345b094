"""No step makes the host wait for a GPU. One wait ends an epoch."""

from contextlib import nullcontext, suppress
from itertools import product

import pytest
import torch

from tests.train.loop.host_waits import META, HostWaits
from tests.train.models.methods.conftest import Tiny
from train.data.augmentation import random_params
from train.data.dataset import Batch
from train.data.loading import on_device
from train.data.region_swaps import Swaps, swap_params
from train.loop import engine, loss_watch, optim
from train.loop.distributed import DistributedContext
from train.models import backbones
from train.models import checkpoint as checkpoints
from train.models.methods import METHODS

CLASSES = ("a", "b", "c")
ALIGN = (
    (),
    ("attention",),
    ("cam",),
    ("evidence",),
    ("attention", "cam"),
    ("attention", "evidence"),
    ("cam", "evidence"),
    ("attention", "cam", "evidence"),
)


class NeverThere:
    """Stands in for torch.cuda.Event: the GPU is always behind."""

    def record(self):
        pass

    def query(self):
        return False

    def synchronize(self):
        pass


@pytest.fixture(autouse=True)
def slow_device(monkeypatch):
    """Make ``meta`` a device that works through a queue."""
    monkeypatch.setattr(loss_watch, "QUEUED", ("meta",))
    monkeypatch.setattr(torch.cuda, "Event", NeverThere)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # PyTorch has none for meta


def batches(number):
    for _ in range(number):
        yield Batch(
            torch.zeros(6, 3, 96, 96, dtype=torch.uint8),  # larger than the input, so that they are shrunk
            torch.zeros(6, 1, 28, 28, dtype=torch.uint8),
            torch.arange(6) % 3 > 0,
            torch.arange(6) % 3,
            torch.arange(6),
        )


def context_of(params, swaps=None):
    """A training of ``params`` on ``meta``."""
    config = checkpoints.Config("guided", 0, CLASSES, params.model_dump(mode="json", by_alias=True), 0, {}, {})
    classifier = checkpoints.build(config, pretrained=False).to(META)
    optimizer = optim.optimizer(classifier, params)
    weights = torch.ones(len(CLASSES), device=META)
    return engine.TrainContext(classifier, classifier, params, optimizer, weights, DistributedContext(0, 1, META), swaps)


def waits_of_steps(context, number):
    """The waits in an epoch of so many steps."""
    generator = torch.Generator().manual_seed(0)
    draws = [engine.Draws(random_params(6, generator).to(META), swap_params(6, generator).to(META)) for _ in range(number)]
    schedule = optim.schedule(context.optimizer, lambda _: 1.0)
    with HostWaits() as waits:
        engine.train_epoch(context, zip(on_device(batches(number), META), draws, strict=True), schedule)
    return waits.found


def check(context):
    few, many = waits_of_steps(context, 1), waits_of_steps(context, 2)
    assert few == many, many - few
    assert [operation for operation, _ in few.elements()] == ["tolist"]


@pytest.fixture
def small(params):
    return params.train.model_copy(update={"input_size": 64})


@pytest.fixture
def tiny(monkeypatch):
    """Make every backbone five convolutions."""
    monkeypatch.setattr(backbones, "build", lambda *_: Tiny())


@pytest.mark.parametrize(("method", "align"), list(product(METHODS, ALIGN)))
def test_no_step_of_any_method_waits(small, tiny, method, align):
    params = small.model_copy(update={"method": method, "align": align, "layers": (2, 5)})
    check(context_of(params, Swaps(0, 0.5) if "evidence" in align else None))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd"},
        {"max_grad_norm": 1.0},
        {"colour": False},
        {"class_weights": "balanced", "label_smoothing": 0.3},
    ],
    ids=str,
)
def test_no_step_of_any_recipe_waits(small, tiny, changes):
    check(context_of(small.model_copy(update={"align": ("attention", "cam", "evidence"), **changes}), Swaps(0, 0.5)))


def test_no_step_of_the_laptops_network_waits(small):
    check(context_of(small))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["bit", "convnextv2", "regnet", "resnet", "beit", "deit", "dinov2", "dinov3_vit", "vit", "swin"]
)
def test_no_step_of_a_network_of_transformers_waits(small, tmp_path, kind):
    from tests.train.models.backbones.hf_networks import settings, transformers

    transformers.CONFIG_MAPPING[kind](**settings(kind)).save_pretrained(tmp_path)
    changes = {"backbone": f"hf:{tmp_path}", "weights": "none", "large_maps": False}
    check(context_of(small.model_copy(update=changes)))


WAITS = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool((x > 0).any()),
    "int": lambda x: int(x[0]),
    "if": lambda x: x if torch.isfinite(x.sum()) else None,
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "to cpu": lambda x: x.to("cpu"),
    "copy to the host": lambda x: torch.zeros(4).copy_(x),
    "equal": lambda x: torch.equal(x, x + 1),
    "to the device": lambda x: torch.ones(4).to(x.device),
    "copy to the device": lambda x: x.copy_(torch.zeros(4)),
    "new_tensor": lambda x: x.new_tensor([1.0, 2.0]),
    "tensor": lambda x: torch.tensor([1.0], device=x.device),
    "as_tensor": lambda x: torch.as_tensor([1.0], device=x.device),
    "where": lambda x: torch.where(x > 0, x, torch.zeros(())),
    "nonzero": lambda x: x.nonzero(),
    "argwhere": torch.argwhere,
    "where of one": lambda x: torch.where(x > 0),
    "a mask": lambda x: x[x > 0],
    "a mask that is set": lambda x: x.index_put_((x > 0,), x[:1]),
    "masked_select": lambda x: x.masked_select(x > 0),
    "unique": lambda x: x.unique(),
}


@pytest.mark.parametrize("name", WAITS)
def test_every_wait_is_found(name):
    x = torch.zeros(4, device=META)
    with HostWaits() as waits, suppress(AssertionError):
        WAITS[name](x)
    assert sum(waits.found.values()) == 1
    assert "test_host_waits.py" in next(iter(waits.found))[1]


def test_what_does_not_wait_is_not_found():
    x = torch.zeros(4, device=META)
    with HostWaits() as waits:
        torch.where(x > 0, x, 0).sum() * 2.0 + x[torch.arange(2, device=META)] + x[1:].max()
        torch.ones(4).to(META, non_blocking=True)
        x.to("cpu", non_blocking=True).sum().item()
        x.masked_fill(x > 0, 0.5)
        torch.eye(3, device=META)
    assert not waits.found
