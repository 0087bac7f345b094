import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from pipeline.cli import aucue
from pipeline.runtime.errors import InputError
from train.data.dataset import Faces, open_shards
from train.evaluate import stage as evaluate
from train.models import checkpoint as checkpoints
from train.models.methods.cam import Cam


def test_files_agree_with_each_other(evaluated, dataset):
    folder = evaluated / "evaluation" / "guided"
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "predictions.csv").open(newline="") as stream:
        predictions = list(csv.DictReader(stream))
    right = [face["actual"] == face["predicted"] for face in predictions]
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    assert metrics["faces"] == len(predictions)
    by_class = {}
    for face in predictions:
        if face["att_cos"]:
            by_class.setdefault(face["actual"], []).append(float(face["att_cos"]))
    assert set(by_class) == {"anger", "disgust", "fear", "happiness", "sadness", "surprise"}
    assert metrics["att_cos"] == pytest.approx(np.mean([np.mean(values) for values in by_class.values()]), abs=1e-6)
    with np.load(folder / "maps.npz") as maps:
        faces, heatmaps = open_shards(dataset.faces, dataset.heatmaps)
        assert faces.column("id")[maps["rows"]].tolist() == [face["id"] for face in predictions]
        assert all(np.array_equal(maps["true"][i], heatmaps.row("maps", row)) for i, row in enumerate(maps["rows"]))
        assert maps["has_map"].tolist() == [bool(face["att_cos"]) for face in predictions]
        assert maps["mean_true"].shape == (7, 28, 28)
        assert not maps["mean_true"][maps["classes"] == "neutral"].any()


def test_controls_are_ordered_as_they_must_be(evaluated):
    details = json.loads((evaluated / "evaluation" / "guided" / "details.json").read_text())
    controls = details["controls"]
    assert 0.5 < controls["training_mean"] < controls["class_mean"] < 1
    assert 0.7 < controls["ceiling"] < 0.95  # the last layer is 6 x 6 here


def test_batch_size_changes_no_figure(evaluated, dataset, params, tmp_path):
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    batch = params.evaluate.model_copy(update={"batch_size": 3})
    again = evaluate.main(
        params=batch, checkpoint=checkpoint, faces_dir=dataset.faces, heatmaps_dir=dataset.heatmaps, out_dir=tmp_path
    )
    first = json.loads((evaluated / "evaluation" / "guided" / "metrics.json").read_text())
    assert again == pytest.approx(first, abs=1e-5)


def test_evaluation_reads_the_test_split_alone(evaluated, dataset):
    faces, heatmaps = open_shards(dataset.faces, dataset.heatmaps)
    test = Faces(faces, heatmaps, "test", ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"))
    with np.load(evaluated / "evaluation" / "guided" / "maps.npz") as maps:
        assert maps["rows"].tolist() == test.rows.tolist()


def test_checkpoint_of_other_heatmaps_is_refused(evaluated, dataset, params, tmp_path):
    from pipeline.heatmaps import stage

    other = params.heatmaps.model_copy(update={"size": 14})
    stage.main(params=other, faces_dir=dataset.faces, heatmaps_dir=tmp_path / "heatmaps")
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    with pytest.raises(InputError, match="was trained on other heatmaps"):
        evaluate.main(
            params=params.evaluate,
            checkpoint=checkpoint,
            faces_dir=dataset.faces,
            heatmaps_dir=tmp_path / "heatmaps",
            out_dir=tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()
    assert torch.is_grad_enabled()


def test_checkpoint_of_the_other_variant_is_refused(evaluated, dataset, tmp_path, params_path):
    guided = evaluated / "train" / "guided" / "model.safetensors"
    shards = ["--faces", str(dataset.faces), "--heatmaps", str(dataset.heatmaps), "--params", str(params_path)]
    command = ["evaluate", *shards, "--checkpoint", str(guided), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(aucue, [*command, "--variant", "baseline"])
    assert refused.exit_code == 1
    assert "is a guided model, not baseline: give a baseline checkpoint, or --variant guided" in refused.output
    assert not (tmp_path / "out").exists()
    baseline = evaluated / "train" / "baseline" / "model.safetensors"  # would be written where the guided one belongs
    refused = CliRunner().invoke(aucue, ["evaluate", *shards, "--checkpoint", str(baseline)])
    assert "is a baseline model, not guided: give a guided checkpoint, or --variant baseline" in refused.output
    done = CliRunner().invoke(aucue, command)  # a folder and a checkpoint of their own may be of either
    assert done.exit_code == 0
    notes = json.loads((tmp_path / "out" / "details.json").read_text())["notes"]
    assert [line for line in done.stderr.splitlines() if not re.match(r"evaluate: \d", line)] == [
        f"WARNING: {note}" for note in notes
    ]


def test_details_measure_every_kind_of_map(evaluated):
    folder = evaluated / "evaluation" / "guided"
    metrics, details = (json.loads((folder / name).read_text()) for name in ("metrics.json", "details.json"))
    kinds = {*(f"layer{n}" for n in range(1, 6)), "cam", "gradcam", "gradcam_pp", "gradcam_pp_divided", "layercam"}
    assert set(details["maps"]) == kinds
    for found in details["maps"].values():
        assert all(0 <= found[name] <= 1 for name in ("cos", "energy", "pointing", "iou"))
        assert found["controls"]["training_mean"] <= found["controls"]["class_mean"] <= found["controls"]["ceiling"]
    cosines = {"att_cos": "layer5", "cam_cos": "cam", "gradcam_cos": "gradcam", "layercam_cos": "layercam"}
    for name, kind in cosines.items():
        assert metrics[name] == details["maps"][kind]["cos"]
        interval = details["intervals"][name]
        assert interval["mean"] == pytest.approx(metrics[name])
        assert interval["low"] < interval["mean"] < interval["high"]
    assert details["controls"] == details["maps"]["layer5"]["controls"]
    assert 0 <= metrics["ece"] <= 1
    assert details["without_map"] == {"faces": 8, "share": pytest.approx(1 / 7)}  # the neutral ones


def test_details_tell_of_action_units_and_of_what_moved(evaluated):
    details = json.loads((evaluated / "evaluation" / "guided" / "details.json").read_text())
    happiness = details["units_of_expression"]["happiness"]
    assert set(happiness) == {"6", "12", "25"}
    assert all(found["layer5"] > 0 and found["cam"] >= 0 for found in happiness.values())
    unit = details["action_units"]["12"]
    assert unit["name"] == "Lip Corner Puller"
    assert unit["listed"]["layer5"] == pytest.approx(happiness["12"]["layer5"])  # happiness alone lists it
    moved = details["moved"]
    assert moved["faces"] == 48
    assert 0 < moved["area"] < 1
    of_layer = moved["maps"]["layer5"]
    assert of_layer["energy"] == pytest.approx(of_layer["moved"] * moved["area"], rel=0.3)


def test_insertion_and_deletion_are_measured_where_wanted(evaluated, dataset, params, tmp_path):
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    wanted = params.evaluate.model_copy(update={"insertion_steps": 2})
    figures = evaluate.main(
        params=wanted, checkpoint=checkpoint, faces_dir=dataset.faces, heatmaps_dir=dataset.heatmaps, out_dir=tmp_path
    )
    assert figures == json.loads((evaluated / "evaluation" / "guided" / "metrics.json").read_text())
    details = json.loads((tmp_path / "details.json").read_text())
    found = details["faithfulness"]
    assert (found["map"], found["steps"]) == ("cam", 2)
    assert 0 < found["insertion"] < 1
    assert 0 < found["deletion"] < 1
    assert json.loads((evaluated / "evaluation" / "guided" / "details.json").read_text())["faithfulness"] is None


def test_a_method_without_maps_is_measured_by_gradients(evaluated, dataset, params, tmp_path, monkeypatch):
    forward = Cam.forward
    monkeypatch.setattr(Cam, "forward", lambda *inputs: forward(*inputs)._replace(maps=None))
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    figures = evaluate.main(
        params=params.evaluate,
        checkpoint=checkpoint,
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )
    assert figures["cam_cos"] is None
    assert figures["gradcam_cos"] > 0
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        assert {face["cam_cos"] for face in csv.DictReader(stream)} == {""}
    with np.load(tmp_path / "maps.npz") as maps:
        assert maps["cam"].any()


def test_guidance_that_has_not_learnt_which_units_is_noted(evaluated):
    for variant, expected in (("guided", True), ("baseline", False)):
        details = json.loads((evaluated / "evaluation" / variant / "details.json").read_text())
        reached, constant = details["maps"]["layer5"]["cos"], details["controls"]["training_mean"]
        noted = any(note.startswith("Guided attention does not beat the mean map") for note in details["notes"])
        assert noted == (expected and reached <= constant)


def test_guidance_is_read_from_the_checkpoint_and_a_weight_of_zero_guides_nothing(evaluated):
    _, config = checkpoints.load(evaluated / "train" / "guided" / "model.safetensors")
    for changes, align in (
        ({}, ("attention", "cam")),
        ({"lambda": 0.0}, ("cam",)),
        ({"align": ["attention"]}, ("attention",)),
    ):
        assert evaluate.guidance_of(replace(config, train={**config.train, **changes})).align == align


def test_a_dataset_is_its_photos_and_their_labels(evaluated, dataset, params, tmp_path):
    found = json.loads((evaluated / "evaluation" / "guided" / "details.json").read_text())["dataset"]
    faces, _ = open_shards(dataset.faces, dataset.heatmaps)
    assert found["photos"] == len(faces)
    columns = faces.columns("id", "label", "split")

    class Changed:
        def __init__(self, **changes):
            self.changed = columns | changes

        def columns(self, *names):
            return {name: self.changed[name] for name in names}

    assert evaluate.dataset_digests(Changed()) == found
    turned = {name: values[::-1] for name, values in columns.items()}  # in another order, as another split may have
    assert evaluate.dataset_digests(Changed(**turned)) == found
    other = columns["label"].copy()
    other[0] = next(label for label in other if label != other[0])
    changed = evaluate.dataset_digests(Changed(label=other))
    assert changed["sha256"] != found["sha256"]
    assert changed["splits_sha256"] == found["splits_sha256"]
    moved = evaluate.dataset_digests(Changed(split=np.roll(columns["split"], 1)))
    assert moved["sha256"] == found["sha256"]
    assert moved["splits_sha256"] != found["splits_sha256"]


def test_energy_is_what_falls_on_the_region(evaluated):
    folder = evaluated / "evaluation" / "guided"
    details = json.loads((folder / "details.json").read_text())
    with np.load(folder / "maps.npz") as maps:
        cam, true = maps["cam"].astype(float), maps["true"]
    with (folder / "predictions.csv").open(newline="") as stream:
        actual = np.array([row["actual"] for row in csv.DictReader(stream)])
    shares = (cam * (true >= 127.5)).sum(axis=(1, 2)) / cam.sum(axis=(1, 2))
    expected = np.mean([shares[actual == name].mean() for name in sorted(set(actual) - {"neutral"})])
    assert details["maps"]["cam"]["energy"] == pytest.approx(expected, abs=0.01)


def test_controls_come_from_the_training_split(evaluated, dataset, params, tmp_path, monkeypatch):
    splits = []

    def faces_of(faces, heatmaps, split, classes, **options):
        splits.append(split)
        return Faces(faces, heatmaps, split, classes, **options)

    monkeypatch.setattr(evaluate, "Faces", faces_of)
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    evaluate.main(
        params=params.evaluate,
        checkpoint=checkpoint,
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )
    assert splits == ["test", "train", "validation"]  # donors are of the validation split


def test_what_decisions_lean_on_is_in_every_file(evaluated):
    folder = evaluated / "evaluation" / "guided"
    metrics, details = (json.loads((folder / name).read_text()) for name in ("metrics.json", "details.json"))
    found = details["reliance"]
    assert found["donors"]["split"] == "validation"
    assert details["settings"]["reliance"]["donors"] == 1
    assert not [note for note in details["notes"] if "not measured" in note]
    assert found["faces"] == metrics["faces_with_map"]
    for name in ("needed", "enough", "leak"):
        assert metrics[name] == pytest.approx(found[name]["mean"])
    with (folder / "predictions.csv").open(newline="") as stream:
        faces = list(csv.DictReader(stream))
    needed = [float(face["needed"]) for face in faces if face["needed"]]
    assert len(needed) == found["faces"]
    assert np.mean(needed) == pytest.approx(metrics["needed"], abs=1e-6)
    assert all(bool(face["leak"]) == (face["actual"] == "neutral") for face in faces)
    assert set(found["units"]["happiness"]) == {"6", "12", "25"}
    assert set(found["falls"]) == set(found["falls"]["anger"]) == set(details["classes"]) - {"neutral"}


def test_decisions_that_no_neutral_face_can_measure_are_told(evaluated, dataset, params, tmp_path, monkeypatch):
    monkeypatch.setattr("train.attribution.donors.neutral_class", lambda *_: None)
    metrics = evaluate.main(
        params=params.evaluate,
        checkpoint=evaluated / "train" / "guided" / "model.safetensors",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )
    assert metrics["needed"] is metrics["enough"] is metrics["leak"] is None
    notes = json.loads((tmp_path / "details.json").read_text())["notes"]
    assert [note for note in notes if note.startswith("What decisions lean on was not measured: it takes training faces")]


def test_decisions_are_not_measured_without_donors(evaluated, dataset, params, tmp_path):
    metrics = evaluate.main(
        params=params.evaluate.model_copy(update={"donors": 0}),
        checkpoint=evaluated / "train" / "guided" / "model.safetensors",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )
    assert metrics["needed"] is metrics["enough"] is metrics["leak"] is None
    details = json.loads((tmp_path / "details.json").read_text())
    assert details["reliance"] is None
    assert not [note for note in details["notes"] if "not measured" in note]
    whole = json.loads((evaluated / "evaluation" / "guided" / "metrics.json").read_text())
    assert all(metrics[name] == whole[name] for name in metrics if name not in ("needed", "enough", "leak"))
