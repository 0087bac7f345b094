"""Files that the version before the change of module names wrote: tests/reference/former/README.md."""

import json

import pytest
import torch

from train.data.dataset import Faces, classes_of, open_shards
from train.models import checkpoint as checkpoints


@pytest.fixture(scope="module")
def former(small_reference):
    return small_reference / "former"


@pytest.fixture(scope="module")
def expected(former):
    return json.loads((former / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shards(former):
    return open_shards(former / "faces", former / "heatmaps")


def test_checkpoint_gives_the_former_logits_without_its_backbone_s_folder(former, expected, shards):
    pytest.importorskip("transformers")
    classifier, config = checkpoints.load(former / "model.safetensors")
    image = (torch.arange(3 * 64 * 64) * 37 % 256 / 255).view(1, 3, 64, 64)
    crops = torch.stack([torch.from_numpy(shards[0].crop(row)).permute(2, 0, 1) for row in range(3)]) / 255
    with torch.no_grad():
        output, of_crops = classifier(image), classifier(crops)
    torch.testing.assert_close(output.logits[0], torch.tensor(expected["logits"]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(output.maps.mean(dim=(2, 3))[0], torch.tensor(expected["map_means"]), rtol=1e-5, atol=1e-5)
    for layer, former_layer in zip(output.layers, expected["layers"], strict=True):
        assert list(layer.shape) == former_layer["shape"]
        assert layer.mean().item() == pytest.approx(former_layer["mean"], rel=1e-5)
    # JPEG decoders may differ by a grey level.
    torch.testing.assert_close(of_crops.logits, torch.tensor(expected["crop_logits"]), rtol=0.01, atol=0.01)
    assert config.run == "a run of the former version"


def test_settings_of_the_checkpoint_have_their_present_names(former):
    config = checkpoints.load_config(former / "model.safetensors")
    assert config.train["augment"] == {
        "rotation": 6.0,
        "min_crop_area": 0.7,
        "flip_probability": 0.4,
        "jitter_probability": 0.6,
        "grey_probability": 0.1,
        "erase_probability": 0.3,
    }
    assert (config.train["cache_megabytes"], config.train["max_grad_norm"]) == (500, 2.0)
    assert not {"memory", "clip"} & config.train.keys()
    assert config.train["lambda"] == 2.0
    assert config.classes == ("anger", "happiness", "neutral")
    assert (config.variant, config.epoch, config.validation["accuracy"]) == ("guided", 3, 0.5)


def test_shards_are_read_as_they_were_written(former, expected, shards):
    faces, heatmaps = shards
    assert (faces.digest(), heatmaps.digest()) == (expected["faces_digest"], expected["heatmaps_digest"])
    columns = faces.columns("id", "split", "landmarks")
    assert columns["id"].tolist() == expected["ids"]
    assert columns["split"].tolist() == expected["splits"]
    torch.testing.assert_close(torch.from_numpy(columns["landmarks"][:, 0]), torch.tensor(expected["landmarks_first"]))
    assert [faces.crop(row).shape for row in range(3)] == [(64, 64, 3)] * 3
    assert [faces.crop(row).mean() for row in range(3)] == pytest.approx(expected["crop_means"], abs=0.5)
    assert [int(heatmaps.row("maps", row).sum()) for row in range(3)] == expected["map_sums"]
    assert heatmaps.column("has_map").tolist() == [True, True, False]


def test_provenance_of_the_shards_is_that_of_the_checkpoint(former, shards):
    config = checkpoints.load_config(former / "model.safetensors")
    assert [config.faces, config.heatmaps] == [shard_set.provenance for shard_set in shards]


def test_a_training_face_is_an_item_of_the_dataset(shards):
    assert classes_of(shards[0]) == ("anger",)
    image, heatmap, has_map, target, row = Faces(*shards, "train", ("anger", "happiness", "neutral"))[0]
    assert (image.shape, heatmap.shape) == ((3, 64, 64), (1, 28, 28))
    assert (has_map, target, row) == (True, 0, 0)
