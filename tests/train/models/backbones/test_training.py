"""Backbones of transformers in a real training, from the shards to a checkpoint."""

import os

import pytest
import torch

from train.evaluate import stage as evaluate
from train.loop import calibration
from train.loop import stage as train
from train.models import backbones
from train.models import checkpoint as checkpoints

os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported
transformers = pytest.importorskip("transformers")

SMALL = {
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1]},
    "swin": {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4},
    "vit": {
        "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4, "intermediate_size": 32, "image_size": 32,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", SMALL)
def test_trains_the_same_twice_and_is_evaluated(kind, dataset, params, tmp_path, monkeypatch):
    calibrated = []
    monkeypatch.setattr(calibration, "calibrate", lambda *_: calibrated.append(kind))
    theirs = transformers.AutoModelForImageClassification.from_config(transformers.CONFIG_MAPPING[kind](**SMALL[kind]))
    theirs.save_pretrained(tmp_path / "network")
    changes = {"backbone": f"hf:{tmp_path / 'network'}", "large_maps": kind != "swin", "layers": (4, 5)}
    fast = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 96, **changes})
    for name in ("one", "two"):
        train.main(
            base=params.base,
            params=fast,
            variant="guided",
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=tmp_path / name,
        )
    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "two/model.safetensors").read_bytes()
    assert not calibrated  # its statistics are its own
    _, config = checkpoints.load(tmp_path / "one/model.safetensors")
    assert config.backbone["config"]["model_type"] == kind
    metrics = evaluate.main(
        params=params.evaluate,
        checkpoint=tmp_path / "one/model.safetensors",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "evaluation",
    )
    assert 0 <= metrics["accuracy"] <= 1


def test_calibration_harms_no_network_with_norms_of_its_own(tmp_path):
    for kind, settings in SMALL.items():
        transformers.CONFIG_MAPPING[kind](**settings).save_pretrained(tmp_path / kind)
        torch.manual_seed(0)
        backbone = backbones.build(f"hf:{tmp_path / kind}", False, False)
        for norm in (part for part in backbone.modules() if isinstance(part, torch.nn.BatchNorm2d)):
            torch.nn.init.uniform_(norm.running_var, 0.5, 2)
            torch.nn.init.normal_(norm.running_mean, std=0.1)
        images = torch.rand(4, 3, 64, 64)
        before = backbone.eval()(images).layers[-1]
        calibration.calibrate(backbone, [images])
        torch.testing.assert_close(backbone(images).layers[-1], before, rtol=1e-4, atol=1e-4)
