import json

import pytest
import torch

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import locked
from train.data.dataset import Faces
from train.loop import resume
from train.loop import stage as train
from train.models import checkpoint as checkpoints


def train_guided(params, dataset, recipe, out_dir):
    """Train the guided variant on the small dataset with a recipe of its own."""
    return train.main(
        base=params.base,
        params=recipe,
        variant="guided",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=out_dir,
    )


@pytest.fixture(scope="module")
def fast(params):
    return params.train.model_copy(update={"epochs": 2, "batch_size": 16, "input_size": 64})


def curve(folder):
    return {path.name: path.read_text() for path in sorted((folder / "live" / "plots" / "metrics").rglob("*.tsv"))}


def test_same_seed_same_curve_and_same_checkpoint(dataset, params, fast, tmp_path):
    for name in ("one", "two"):
        train_guided(params, dataset, fast, tmp_path / name)
    assert curve(tmp_path / "one") == curve(tmp_path / "two")
    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "two/model.safetensors").read_bytes()
    assert not torch.are_deterministic_algorithms_enabled()


def test_baseline_is_the_same_run_with_lambda_zero(dataset, params, fast, tmp_path):
    train.main(
        base=params.base,
        params=fast,
        variant="baseline",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path / "baseline",
    )
    unguided = fast.model_copy(update={"lambda_": 0.0, "cam_lambda": 0.0})
    train_guided(params, dataset, unguided, tmp_path / "guided")
    assert curve(tmp_path / "baseline") == curve(tmp_path / "guided")


def test_checkpoint_carries_the_whole_configuration(dataset, params, fast, tmp_path):
    best = train_guided(params, dataset, fast, tmp_path)
    _, config = checkpoints.load(tmp_path / "model.safetensors")
    assert config.train == fast.model_dump(mode="json", by_alias=True)
    assert config.heatmaps["codebook"] == "belharbi2024"
    assert config.classes[0] == "anger"
    assert best["epoch"] in (1, 2)


def test_diverged_training_leaves_the_earlier_checkpoint(dataset, params, fast, tmp_path):
    """A mistyped learning rate must not cost a model that took hours."""
    train_guided(params, dataset, fast, tmp_path)
    earlier = (tmp_path / "model.safetensors").read_bytes()
    wild = fast.model_copy(update={"learning_rate": 1e30, "epochs": 1})
    with pytest.raises(
        InputError, match=r"not finite|the loss is (nan|inf) on the faces s\d+-\w+-\d+, .*: lower train.learning_rate"
    ):
        train_guided(params, dataset, wild, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == earlier


def test_summary_has_the_checkpoints_own_figures(dataset, params, fast, tmp_path):
    best = train_guided(params, dataset, fast, tmp_path)
    assert json.loads((tmp_path / "live" / "metrics.json").read_text())["best"] == best
    assert checkpoints.load(tmp_path / "model.safetensors")[1].epoch == best["epoch"]


def test_layer_without_extent_cannot_be_guided(dataset, params, fast, tmp_path):
    tiny = fast.model_copy(update={"large_maps": False})
    with pytest.raises(InputError, match=r"layer 5 is 1 x 1 .* raise train.input_size or set train.large_maps"):
        train_guided(params, dataset, tiny, tmp_path)
    train.main(
        base=params.base,
        params=tiny,
        variant="baseline",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )


def test_the_class_map_without_extent_cannot_be_guided(dataset, params, fast, tmp_path):
    tiny = fast.model_copy(update={"large_maps": False, "align": ("cam",)})
    with pytest.raises(InputError, match=r"the class map is 1 x 1 .* raise train.input_size or set train.large_maps"):
        train_guided(params, dataset, tiny, tmp_path)


def test_faces_come_from_the_training_split_and_are_chosen_by_the_validation_split(
    dataset, params, fast, tmp_path, monkeypatch
):
    splits = []

    def faces_of(faces, heatmaps, split, classes, **options):
        splits.append(split)
        return Faces(faces, heatmaps, split, classes, **options)

    monkeypatch.setattr(train, "Faces", faces_of)
    train_guided(params, dataset, fast.model_copy(update={"epochs": 1}), tmp_path)
    assert splits == ["train", "validation"]


def test_one_expression_alone_cannot_be_learned(dataset, params, fast, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "training_classes", lambda faces: ("anger",))
    with pytest.raises(InputError, match="has training faces of anger alone: add training faces of another expression"):
        train_guided(params, dataset, fast, tmp_path)


def test_two_trainings_do_not_write_one_folder(dataset, params, fast, tmp_path):
    with locked(tmp_path / "out"), pytest.raises(InputError, match="out is being written by"):
        train_guided(params, dataset, fast, tmp_path / "out")


def test_a_run_that_ended_is_left_as_it_is(dataset, params, fast, tmp_path, capsys, monkeypatch):
    arguments = {
        "base": params.base,
        "params": fast.model_copy(update={"epochs": 1}),
        "variant": "guided",
        "faces_dir": dataset.faces,
        "heatmaps_dir": dataset.heatmaps,
        "out_dir": tmp_path,
    }
    best = train.main(**arguments)
    written = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert train.main(**arguments, resume=True) == best
    assert "is the result of this run: nothing to do" in capsys.readouterr().err
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == written
    monkeypatch.setattr(resume, "source_digest", lambda rooms: "another version")
    train.main(**arguments, resume=True)
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns > written


def test_what_cannot_be_compiled_is_one_sentence(params, fast):
    class CannotCompile(RuntimeError):
        __module__ = "torch._inductor.exc"

    compiled = fast.model_copy(update={"compile": True})
    expected = r"train.compile: PyTorch cannot compile .* \(no compiler\): set it to false"
    with pytest.raises(InputError, match=expected), train.friendly_errors(compiled, None):
        raise CannotCompile("no compiler\nand much more")
    with pytest.raises(CannotCompile), train.friendly_errors(fast, None):
        raise CannotCompile("not asked for")


def test_guided_evidence_changes_the_training(dataset, params, fast, tmp_path):
    """Swapped regions make another run, which is the same to the bit each time, whoever reads the faces."""
    evidence = fast.model_copy(update={"align": ("attention", "evidence")})
    train_guided(params, dataset, fast.model_copy(update={"align": ("attention",)}), tmp_path / "without")
    for name, workers in (("one", 0), ("two", 1)):
        train_guided(params, dataset, evidence.model_copy(update={"workers": workers}), tmp_path / name)
    assert curve(tmp_path / "one") == curve(tmp_path / "two") != curve(tmp_path / "without")


def test_guided_evidence_needs_neutral_faces(dataset, params, fast, tmp_path, monkeypatch):
    monkeypatch.setattr("train.loop.trainer.neutral_class", lambda *_: None)
    evidence = fast.model_copy(update={"align": ("evidence",)})
    with pytest.raises(
        InputError, match=r"train\.align has evidence, which needs training faces of one label without action"
    ):
        train_guided(params, dataset, evidence, tmp_path)
