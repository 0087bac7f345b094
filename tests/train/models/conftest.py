import pytest
import torch

from train.models import checkpoint as checkpoints


@pytest.fixture
def config(params):
    settings = params.train.model_dump(mode="json", by_alias=True)
    classes = ("anger", "happiness", "neutral")
    return checkpoints.Config("guided", 3, classes, settings, 0, {"stage": "landmarks"}, {"stage": "heatmaps"})


@pytest.fixture
def classifier(config):
    torch.manual_seed(0)
    return checkpoints.build(config, pretrained=False).eval()
