"""A label that validation and test faces have and no training face: refused, counted as never recognised, or left out."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.cli import aucue
from pipeline.faces import detections
from pipeline.heatmaps import stage as heatmaps
from pipeline.landmarks import stage as landmarks
from pipeline.runtime.errors import InputError
from train import VARIANTS
from train.evaluate import stage as evaluate
from train.loop import stage as train
from train.report import stage as report

LABEL, FACES = "fear", 8  # in the test split


@pytest.fixture(scope="module")
def shards(dataset, params, tmp_path_factory):
    """The small dataset as if no training photo of LABEL showed a face."""
    folder = tmp_path_factory.mktemp("untrained")
    rows = [
        replace(row, status="no_face", reason="made up") if f"-{LABEL}-" in row.id and row.id in _trained(dataset) else row
        for row in detections.read(dataset.detections)
    ]
    detections.write(folder / "detections.csv", rows)
    landmarks.main(
        base=params.base.model_copy(update={"workers": 1}),
        params=params.landmarks,
        manifest_path=dataset.manifest,
        detections_path=folder / "detections.csv",
        faces_dir=folder / "faces",
    )
    heatmaps.main(params=params.heatmaps, faces_dir=folder / "faces", heatmaps_dir=folder / "heatmaps")
    return folder


def _trained(dataset):
    with dataset.manifest.open(newline="") as stream:
        return {row["id"] for row in csv.DictReader(stream) if row["split"] == "train"}


@pytest.fixture(scope="module")
def trained(shards, params):
    fast = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 64})
    for variant in VARIANTS:
        train.main(
            base=params.base,
            params=fast,
            variant=variant,
            faces_dir=shards / "faces",
            heatmaps_dir=shards / "heatmaps",
            out_dir=shards / "train" / variant,
            untrained_labels="count",
        )
    return shards / "train"


def evaluated(shards, params, policy, variant="guided", **changes):
    out = shards / policy / variant
    evaluate.main(
        params=params.evaluate.model_copy(update={"untrained_labels": policy, **changes}),
        checkpoint=shards / "train" / variant / "model.safetensors",
        faces_dir=shards / "faces",
        heatmaps_dir=shards / "heatmaps",
        out_dir=out,
    )
    with (out / "predictions.csv").open(newline="") as stream:
        predictions = list(csv.DictReader(stream))
    return *(json.loads((out / name).read_text()) for name in ("metrics.json", "details.json")), predictions


def test_training_refuses_before_it_starts(shards, params, tmp_path):
    with pytest.raises(InputError, match=rf"no training face has the label {LABEL}, .*evaluate\.untrained_labels to count"):
        train.main(
            base=params.base,
            params=params.train,
            variant="guided",
            faces_dir=shards / "faces",
            heatmaps_dir=shards / "heatmaps",
            out_dir=tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_evaluation_refuses_in_one_line(shards, trained, params, tmp_path):
    with pytest.raises(InputError, match=f"no training face has the label {LABEL}, but {FACES} "):
        evaluated(shards, params, "refuse")


def test_counted_faces_are_never_recognised(shards, trained, params):
    metrics, details, predictions = evaluated(shards, params, "count", insertion_steps=2)
    counted = metrics
    own = [face for face in predictions if face["actual"] == LABEL]
    assert len(own) == FACES
    assert LABEL not in {face["predicted"] for face in predictions}
    assert all(face["att_cos"] == face["cam_cos"] == "" for face in own)
    assert metrics["accuracy"] == pytest.approx(np.mean([face["actual"] == face["predicted"] for face in predictions]))
    assert metrics["faces"] == len(predictions) == 56
    assert details["classes"][-1] == LABEL
    assert LABEL not in details["trained"]["classes"]
    assert details["per_expression"][LABEL]["recall"] == 0
    assert details["per_expression"][LABEL]["faces"] == FACES
    assert sum(details["confusion"][LABEL].values()) == FACES
    recalls = [entry["recall"] for entry in details["per_expression"].values()]
    assert metrics["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert len(recalls) == 7
    assert details["untrained_labels"] == {"policy": "count", "faces": {LABEL: FACES}}
    assert (
        details["notes"][0]
        == f"No training face has the label {LABEL}: its {FACES} faces in the test split count as never recognised."
    )
    excluded, without, others = evaluated(shards, params, "exclude", insertion_steps=2)
    assert LABEL not in {face["actual"] for face in others}
    assert [face for face in predictions if face["actual"] != LABEL] == others
    for name in ("att_cos", "cam_cos", "gradcam_cos"):  # the counted faces are in no cosine
        assert counted[name] == pytest.approx(excluded[name])
    assert details["faithfulness"]["insertion"] == pytest.approx(without["faithfulness"]["insertion"])
    assert without["untrained_labels"] == {"policy": "exclude", "faces": {LABEL: FACES}}
    assert excluded["photos"] == counted["photos"] - FACES
    assert excluded["accuracy"] > counted["accuracy"] or excluded["accuracy"] == counted["accuracy"] == 0


@pytest.mark.parametrize("policy", ["count", "exclude"])
def test_report_and_tables_take_both(shards, trained, params, policy, tmp_path):
    for variant in VARIANTS:
        evaluated(shards, params, policy, variant)
    table, page = report.main(
        params=params,
        faces_dir=shards / "faces",
        heatmaps_dir=shards / "heatmaps",
        train_dir=shards / "train",
        evaluation_dir=shards / policy,
        out_dir=tmp_path,
    )
    assert "difference" in table
    assert f"No training face has the label {LABEL}" in page.read_text()
    arguments = ["tables", "--runs", str(shards / policy), "--out", str(tmp_path), "--dataset", "none"]
    assert CliRunner().invoke(aucue, arguments).exit_code == 0
