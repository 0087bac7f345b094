"""Checkpoints of fresh classifiers, and one file that was exported from such a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from train.models import checkpoint as checkpoints
from train.models.methods import METHODS

CLASSES = ("anger", "disgust", "happiness", "neutral")
FACES = {"stage": "landmarks", "crop_size": 256}
HEATMAPS = {"stage": "heatmaps", "size": 28, "codebook": "facs", "codebook_sha256": "c0de"}


class Exported(NamedTuple):
    checkpoint: Path
    file: Path


@pytest.fixture(scope="session")
def save(params, tmp_path_factory):
    """A function that writes a checkpoint of a fresh classifier, by its method and by changes of the train block."""

    def save(method="cam", **changes):
        folder = tmp_path_factory.mktemp("checkpoint")
        changes = {"method": method, "input_size": 64, **changes}
        if METHODS[method].needs_attention and "backbone" not in changes:
            changes |= {"backbone": hugging_face("vit", folder), "weights": "none"}
        block = params.train.model_copy(update=changes).model_dump(mode="json", by_alias=True)
        config = checkpoints.Config("guided", 3, CLASSES, block, 0, FACES, HEATMAPS, run="d1ce")
        torch.manual_seed(0)
        model = checkpoints.build(config)
        path = folder / "model.safetensors"
        checkpoints.save(path, model.state_dict(), replace(config, backbone=model.backbone.description()))
        return path

    return save


def hugging_face(kind: str, folder: Path) -> str:
    """The name of a backbone of Hugging Face: a small network with random weights, in a folder."""
    pytest.importorskip("transformers")
    from tests.train.models.backbones.hf_networks import settings, transformers

    transformers.CONFIG_MAPPING[kind](**settings(kind)).save_pretrained(folder / kind)
    return f"hf:{folder / kind}"


@pytest.fixture(scope="session")
def packages():
    """Skips a test where the extra export is not installed."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason="the extra export is not installed")


@pytest.fixture(scope="session")
def exported(packages, save, tmp_path_factory) -> Exported:
    """The method CAM on dlib's network."""
    from train.export import exporter

    checkpoint, file = save(), tmp_path_factory.mktemp("exported") / "model.onnx"
    exporter.main(checkpoint=checkpoint, out=file)
    return Exported(checkpoint, file)


@pytest.fixture
def converted(exported, monkeypatch):
    """Spares a test the seconds of a conversion: its result is that of ``exported``."""
    import onnx_ir

    from train.export import exporter

    monkeypatch.setattr(exporter, "convert", lambda *_: onnx_ir.load(exported.file))


@pytest.fixture(scope="session")
def portraits(orl):
    """A function that gives real faces (number, 3, size, size) in [0, 1], RGB."""

    def portraits(number: int, size: int) -> Tensor:
        files = sorted(path for path in orl.rglob("*") if path.suffix in (".pgm", ".bmp", ".png", ".jpg"))
        pictures = [cv2.resize(cv2.imread(str(file)), (size, size)) for file in files[:: len(files) // number][:number]]
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255

    return portraits
