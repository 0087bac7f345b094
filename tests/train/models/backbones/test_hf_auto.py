import pytest

from pipeline.runtime.errors import InputError
from tests.train.models.backbones.hf_networks import build


def test_swin_is_what_autobackbone_gives_without_its_untrained_norms(saved, images):
    backbone = build(saved("swin"))
    features = backbone(images)
    assert [tuple(layer.shape[1:]) for layer in features.layers] == [
        (8, 16, 16), (8, 16, 16), (16, 8, 8), (32, 4, 4), (64, 2, 2),
    ]  # fmt: skip
    assert features.layers[-1].mean(dim=1).abs().min() > 1e-4  # there is something to guide
    with pytest.raises(InputError, match=r"cannot keep its last stages at stride 1: set train\.large_maps to false"):
        build(saved("swin"), large_maps=True)
