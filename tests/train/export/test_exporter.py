import json
import re

import numpy as np
import pytest
import torch

from pipeline.runtime.errors import InputError
from train.data.augmentation import whole_view
from train.data.dataset import Faces, open_shards
from train.data.loading import BatchLoader, split_batches
from train.evaluate import artifacts
from train.export import exporter, metadata, verification
from train.export.network import ExportedNetwork
from train.models import checkpoint as checkpoints
from train.models.methods import METHODS

TOLERANCE = 1e-4
NUMBER = 64  # faces


def compare(checkpoint, file, faces, batch_size):
    """The largest difference between ONNX Runtime and PyTorch (in a batch, or one by one), by the name of the output."""
    import onnxruntime

    classifier, config = checkpoints.load(checkpoint)
    network = ExportedNetwork(classifier, config.train["input_size"], config.heatmaps["size"])
    with torch.no_grad():
        expected = verification.outputs(network, faces)
    session = onnxruntime.InferenceSession(file)
    assert [output.name for output in session.get_outputs()] == list(expected)
    batches = [session.run(None, {"images": batch.numpy()}) for batch in faces.split(batch_size)]
    computed = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    return {
        name: verification.largest_difference(ours.numpy(), theirs)
        for (name, ours), theirs in zip(expected.items(), computed, strict=True)
    }


@pytest.mark.parametrize("batch_size", [1, 7])
def test_onnx_runtime_equals_pytorch(exported, portraits, batch_size):
    differences = compare(*exported, portraits(NUMBER, 64), batch_size)
    assert list(differences) == ["logits", "attention", "class_maps"]
    assert min(differences.values()) > 0  # of maps that are not constant
    assert max(differences.values()) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "backbone", "size"),
    [
        *((method, None if METHODS[method].needs_attention else "dlib_resnet", 120) for method in METHODS),
        *(("cam", kind, 64) for kind in ("resnet", "convnext", "vit", "dinov2", "swin")),
        ("acol", "resnet", 64),
        ("apvit", "vit", 64),
    ],
)
def test_every_method_and_kind_of_backbone(packages, save, portraits, tmp_path, method, backbone, size):
    from tests.train.export.conftest import hugging_face

    changes = {"input_size": size, "large_maps": backbone == "dlib_resnet"}
    if backbone is None:
        changes["input_size"] = 64
    elif backbone != "dlib_resnet":
        changes |= {"backbone": hugging_face(backbone, tmp_path), "weights": "none"}
    checkpoint, file = save(method, **changes), tmp_path / "model.onnx"
    exporter.main(checkpoint=checkpoint, out=file)
    for batch_size in (1, 7):
        differences = compare(checkpoint, file, portraits(NUMBER, changes["input_size"]), batch_size)
        print(method, backbone, batch_size, {name: f"{value:.1e}" for name, value in differences.items()})
        assert max(differences.values()) <= TOLERANCE
        assert ("class_maps" in differences) == (method != "apvit")


@pytest.mark.slow
def test_outputs_are_those_that_evaluate_stored(packages, dataset, evaluated, tmp_path):
    import onnxruntime

    checkpoint, file = evaluated / "train" / "guided" / "model.safetensors", tmp_path / "model.onnx"
    exporter.main(checkpoint=checkpoint, out=file)
    config = checkpoints.load_config(checkpoint)
    faces = Faces(*open_shards(dataset.faces, dataset.heatmaps), "test", config.classes)
    (batch,) = BatchLoader(faces, split_batches(range(len(faces)), len(faces)))
    view = whole_view(batch, config.train["input_size"])
    session = onnxruntime.InferenceSession(file)
    logits, attention, class_maps = session.run(None, {"images": view.images.numpy()})

    stored = artifacts.read(evaluated / "evaluation" / "guided", "run evaluate")
    assert [config.classes[index] for index in logits.argmax(axis=1)] == [row["predicted"] for row in stored.predictions]
    confidence = torch.from_numpy(logits).softmax(dim=1).amax(dim=1).numpy()
    np.testing.assert_allclose(confidence, [float(row["confidence"]) for row in stored.predictions], atol=1e-4)
    own = class_maps[np.arange(len(faces)), view.targets.numpy()]
    for computed, name in ((attention[:, 0], "attention"), (own, "cam")):
        levels = stored.maps[name].astype(np.float32)  # rounded to whole levels
        np.testing.assert_allclose(computed * 255, levels, atol=0.5 + 255 * TOLERANCE)


def test_one_file_holds_all(exported):
    import onnx

    assert [path.name for path in exported.file.parent.iterdir()] == ["model.onnx"]
    model = onnx.load(exported.file, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    shapes = {
        value.name: [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "images": ["batch", 3, 64, 64],
        "logits": ["batch", 4],
        "attention": ["batch", 1, 28, 28],
        "class_maps": ["batch", 4, 28, 28],
    }


def test_the_file_holds_the_facts_and_no_path_of_this_machine(exported, params_path):
    import onnx

    config = checkpoints.load_config(exported.checkpoint)
    model = onnx.load(exported.file)
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert found == metadata.facts(config, ("logits", "attention", "class_maps"))
    assert json.loads(found["classes"]) == list(config.classes)
    content = exported.file.read_bytes()
    for path in (str(params_path.parent), str(exported.checkpoint.parent), "site-packages", ".py"):
        assert path.encode() not in content


def test_an_earlier_file_is_replaced_by_the_same_bytes(exported, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(exported.file.read_bytes()[:1000])  # a damaged file of ours
    export = exporter.main(checkpoint=exported.checkpoint, out=file)
    assert file.read_bytes() == exported.file.read_bytes()
    assert export.size == file.stat().st_size
    assert export.difference <= TOLERANCE


def test_a_file_that_differs_is_not_written(exported, converted, tmp_path, monkeypatch):
    file, before = tmp_path / "model.onnx", exported.file.read_bytes()[:-1]
    file.write_bytes(before)
    samples = verification.samples

    def others(network):
        expected = samples(network)
        expected[-1].outputs["class_maps"] += 2e-4
        return expected

    monkeypatch.setattr(verification, "samples", others)
    with pytest.raises(InputError, match="no file was written, because its class_maps would differ"):
        exporter.main(checkpoint=exported.checkpoint, out=file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("content", [b"a photo", b"\x08\x0a\x12\x07pytorch\x1a\x062.13.0", b'{"aucue": 1}'])
def test_a_file_of_another_tool_is_kept(content, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.onnx is not a file that this command writes"):
        exporter.main(checkpoint=tmp_path / "none", out=file)
    assert file.read_bytes() == content


def test_the_checkpoint_is_not_replaced(save):
    checkpoint = save()
    before = checkpoint.read_bytes()
    with pytest.raises(InputError, match="is not a file that this command writes"):
        exporter.main(checkpoint=checkpoint, out=checkpoint)
    assert checkpoint.read_bytes() == before


def test_large_weights_are_refused(tmp_path):
    exporter.refuse_large(tmp_path, 2**31 - 2**24)
    with pytest.raises(InputError, match=re.escape("has weights of 2.5 GB, and one ONNX file holds 2.1 GB")):
        exporter.refuse_large(tmp_path, 2_500_000_000)
