import pytest
import torch


@pytest.fixture
def saved(tmp_path):
    """A function that writes a small configuration and gives the backbone's name."""
    from tests.train.models.backbones.hf_networks import settings, transformers

    def save(kind, **changes):
        transformers.CONFIG_MAPPING[kind](**{**settings(kind), **changes}).save_pretrained(tmp_path / kind)
        return f"hf:{tmp_path / kind}"

    return save


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
