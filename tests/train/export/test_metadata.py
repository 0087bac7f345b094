import json

import pytest

from pipeline.landmarks.align import TEMPLATE
from train.data import augmentation
from train.export import metadata
from train.models import checkpoint as checkpoints


@pytest.fixture
def config(params):
    def config(**changes):
        block = params.train.model_copy(update=changes).model_dump(mode="json", by_alias=True)
        faces, heatmaps = {"crop_size": 256}, {"size": 28, "codebook": "facs", "codebook_sha256": "c0de"}
        return checkpoints.Config("baseline", 3, ("anger", "fear"), block, 0, faces, heatmaps, run="d1ce")

    return config


def test_facts_say_what_a_user_needs(config):
    facts = metadata.facts(config(), ("logits", "attention"))
    assert all(isinstance(value, str) for value in facts.values())
    assert json.loads(facts["classes"]) == ["anger", "fear"]
    assert (facts["input_size"], facts["input_range"], facts["colour_order"]) == ("120", "[0, 1]", "RGB")
    assert (facts["crop_size"], facts["map_size"]) == ("256", "28")
    assert list(json.loads(facts["crop_template"]).values()) == TEMPLATE.tolist()
    assert list(json.loads(facts["outputs"])) == ["logits", "attention"]
    assert (facts["variant"], facts["method"], facts["backbone"]) == ("baseline", "cam", "dlib_resnet")
    assert (facts["run"], facts["codebook"], facts["codebook_sha256"]) == ("d1ce", "facs", "c0de")
    assert facts["aucue_version"]


def test_shrink_size_is_that_of_the_views(config):
    import torch

    crops = torch.zeros(1, 3, 256, 256, dtype=torch.uint8)
    assert json.loads(metadata.facts(config(), ())["shrink_size"]) == augmentation.shrink(crops, 120).shape[-1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "derive from dlib's face-recognition network, which is in the public domain"),
        ({"weights": "none"}, "were trained from random values"),
        ({"backbone": "hf:microsoft/resnet-50"}, "derive from the model microsoft/resnet-50, whose own licence applies"),
        ({"backbone": "hf:/home/ann/deit"}, "derive from the model deit, whose own licence applies"),
    ],
)
def test_licence_names_the_origin_of_the_weights(config, changes, sentence):
    note = metadata.facts(config(**changes), ())["licence"]
    assert "MIT" in note
    assert sentence in note
    assert "photos" in note


def test_no_path_of_this_machine_travels(config):
    facts = metadata.facts(config(backbone="hf:/home/ann/deit"), ())
    assert facts["backbone"] == "hf:deit"
    assert "/home" not in "".join(facts.values())
