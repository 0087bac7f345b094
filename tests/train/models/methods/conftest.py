"""A small backbone and a few faces, so that a method's test takes a second."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.data.dataset import Batch
from train.models import backbones
from train.models.backbones import Backbone, Features
from train.models.classifier import Classifier

CHANNELS = (4, 6, 8, 10, 12)


class Tiny(Backbone):
    """Five convolutions, with the attention that a transformer would give."""

    gives_attention = True
    channels = CHANNELS

    def __init__(self):
        super().__init__()
        widths = zip((3, *CHANNELS[:-1]), CHANNELS, (4, 2, 2, 1, 1), strict=True)
        self.stages = nn.ModuleList(nn.Conv2d(before, width, 3, stride, padding=1) for before, width, stride in widths)

    def forward(self, images, layer_hook=lambda layer, hidden: hidden):
        layers, hidden = [], images - 0.5
        for layer, stage in enumerate(self.stages, start=1):
            layers.append(F.relu(stage(hidden)))
            hidden = layer_hook(layer, layers[-1]) if layer < 5 else None
        attention = layers[-1].mean(dim=1)
        return Features(layers, attention.flatten(1).softmax(dim=1).view_as(attention))


@pytest.fixture
def features():
    """Of two faces, without attention: layers of 6 x 5 cells."""
    generator = torch.Generator().manual_seed(0)
    return Features([torch.rand(2, channels, 6, 5, generator=generator) for channels in CHANNELS])


@pytest.fixture
def classifier_of(params, monkeypatch):
    """Makes a classifier with the small backbone, and its parameters, by the method's name."""
    monkeypatch.setattr(backbones, "build", lambda *arguments: Tiny())

    def make(method, **settings):
        torch.manual_seed(0)
        settings = params.train.model_copy(update={"method": method, "input_size": 64, **settings})
        return Classifier(settings, 3).to(memory_format=torch.channels_last), settings

    return make


@pytest.fixture
def batch():
    """Eight faces of noise, three expressions; two have no map."""
    generator = torch.Generator().manual_seed(0)
    return Batch(
        torch.randint(0, 256, (8, 3, 64, 64), generator=generator, dtype=torch.uint8),
        torch.randint(0, 256, (8, 1, 28, 28), generator=generator, dtype=torch.uint8),
        torch.arange(8) % 4 > 0,
        torch.arange(8) % 3,
        torch.arange(8),
    )
