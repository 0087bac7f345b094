"""Every method, from shards to figures: two epochs on a part of the demo, and its evaluation."""

import json
import math

import pytest

from train.evaluate import stage as evaluate
from train.loop import stage as train
from train.models.methods import METHODS


@pytest.fixture
def block(params, tmp_path):
    def block(method):
        changes = {"method": method, "epochs": 2, "batch_size": 8, "input_size": 64, "align": ("attention", "cam")}
        if METHODS[method].needs_attention:
            transformers = pytest.importorskip("transformers")
            sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
            transformers.ViTConfig(**sizes, image_size=64, patch_size=8).save_pretrained(tmp_path / "vit")
            changes |= {"backbone": f"hf:{tmp_path / 'vit'}", "weights": "none"}
        return params.train.model_copy(update=changes)

    return block


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_trains_and_is_evaluated(dataset, params, block, tmp_path, method):
    best = train.main(
        base=params.base,
        params=block(method),
        variant="guided",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "train",
    )
    assert math.isfinite(best["cross_entropy"])
    checkpoint = tmp_path / "train" / "model.safetensors"
    metrics = evaluate.main(
        params=params.evaluate,
        checkpoint=checkpoint,
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "evaluation",
    )
    assert 0 <= metrics["accuracy"] <= 1
    assert 0 < metrics["att_cos"] <= 1
    assert (metrics["cam_cos"] is None) == (method == "apvit")
    details = json.loads((tmp_path / "evaluation" / "details.json").read_text())
    assert details["trained"]["train"]["method"] == method
