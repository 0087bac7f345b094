import csv
import json

import numpy as np
import pytest
import torch

from pipeline.errors import InputError
from train import evaluate
from train.data import Faces, open_shards
from train.evaluate import Predictions
from train.headline import shown


def made_up(has_map=(True, True, True, True, False)):
    """Five faces of three classes ("a", "b", "none"), the last one without a map; two layers."""
    rng = np.random.default_rng(0)
    maps = {name: rng.random((5, 6, 6)).astype(np.float32) for name in ("attention", "cam", "true")}
    att_cos = np.array([[0.1, 0.2], [0.1, 0.4], [0.1, 0.9], [0.1, 0.9], [np.nan, np.nan]])
    return Predictions(
        rows=np.arange(5),
        actual=np.array([0, 0, 1, 1, 2]),
        predicted=np.array([0, 1, 1, 1, 0]),
        has_map=np.array(has_map),
        att_cos=att_cos,
        cam_cos=np.array([0.0, 0.2, 0.5, 0.5, np.nan]),
        layer_sizes=((6, 6), (3, 3)),
        **maps,
    )


def test_scores_are_macro_over_the_expressions_that_have_a_map():
    scores = evaluate.score(made_up(), ("a", "b", "none"))
    assert scores["macro"]["accuracy"] == pytest.approx(3 / 5)
    assert scores["macro"]["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert scores["macro"]["att_cos"] == pytest.approx((0.3 + 0.9) / 2)
    assert scores["macro"]["cam_cos"] == pytest.approx((0.1 + 0.5) / 2)
    assert scores["att_cos_of_layer"] == {1: pytest.approx(0.1), 2: pytest.approx(0.6)}
    assert scores["per_expression"]["none"] == {"faces": 1, "recall": 0, "att_cos": None, "cam_cos": None}
    assert scores["confusion"]["a"] == {"a": 1, "b": 1, "none": 0}


def test_without_any_map_the_cosines_are_none_not_nan():
    scores = evaluate.score(made_up(has_map=(False,) * 5), ("a", "b", "none"))
    assert scores["macro"]["att_cos"] is None
    assert shown(scores["macro"]["cam_cos"]) == "–"


def test_files_agree_with_each_other(evaluated, dataset):
    folder = evaluated / "evaluation" / "guided"
    metrics = json.loads((folder / "metrics.json").read_text())
    with open(folder / "predictions.csv", newline="") as stream:
        predictions = list(csv.DictReader(stream))
    right = [face["actual"] == face["predicted"] for face in predictions]
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    assert metrics["faces"] == len(predictions)
    by_class = {}
    for face in predictions:
        if face["att_cos"]:
            by_class.setdefault(face["actual"], []).append(float(face["att_cos"]))
    assert set(by_class) == {"anger", "disgust", "fear", "happiness", "sadness", "surprise"}
    assert metrics["att_cos"] == pytest.approx(np.mean([np.mean(values) for values in by_class.values()]), abs=1e-4)
    with np.load(folder / "maps.npz") as maps:
        faces, heatmaps = open_shards(dataset.faces, dataset.heatmaps)
        assert faces.column("id")[maps["rows"]].tolist() == [face["id"] for face in predictions]
        assert all(np.array_equal(maps["true"][i], heatmaps.row("maps", row)) for i, row in enumerate(maps["rows"]))
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
    again = evaluate.main(batch, checkpoint, dataset.faces, dataset.heatmaps, tmp_path)
    first = json.loads((evaluated / "evaluation" / "guided" / "metrics.json").read_text())
    assert again == pytest.approx(first, abs=1e-5)


def test_evaluation_reads_the_test_split_alone(evaluated, dataset):
    faces, heatmaps = open_shards(dataset.faces, dataset.heatmaps)
    test = Faces(faces, heatmaps, "test", ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"))
    with np.load(evaluated / "evaluation" / "guided" / "maps.npz") as maps:
        assert maps["rows"].tolist() == test.rows.tolist()


def test_checkpoint_of_other_heatmaps_is_refused(evaluated, dataset, params, tmp_path):
    from pipeline import heatmaps as stage

    other = params.heatmaps.model_copy(update={"size": 14})
    stage.main(other, dataset.faces, tmp_path / "heatmaps")
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    with pytest.raises(InputError, match="was trained on other heatmaps"):
        evaluate.main(params.evaluate, checkpoint, dataset.faces, tmp_path / "heatmaps", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert torch.is_grad_enabled()


def test_own_expression_is_the_share_of_faces_closest_to_their_own_mean():
    predictions = made_up()
    means = torch.zeros(3, 6, 6)
    means[0, :3], means[1, 3:] = 1, 1
    predictions.attention[:] = means[[0, 1, 1, 1, 1]].numpy()
    measured = evaluate.own_expression(predictions, means, torch.tensor([2, 2, 0]), ("a", "b", "none"))
    assert measured == {"rate": pytest.approx((0.5 + 1) / 2), "chance": 0.5}
