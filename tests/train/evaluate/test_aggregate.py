import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score

from train.evaluate import aggregate
from train.evaluate.aggregate import ClassMeanMaps
from train.evaluate.figures import format_figure
from train.evaluate.measurements import Predictions

CLASSES = ("a", "b", "none")


def test_figures_are_macro_over_the_expressions_that_have_a_map(predictions):
    metrics, details = (
        compute(predictions, CLASSES) for compute in (aggregate.headline_metrics, aggregate.classification_details)
    )
    assert metrics["accuracy"] == pytest.approx(3 / 5)
    assert metrics["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert metrics["att_cos"] == pytest.approx((0.3 + 0.9) / 2)
    assert metrics["cam_cos"] == pytest.approx((0.1 + 0.5) / 2)
    assert metrics["gradcam_cos"] is None  # no such map was made
    assert metrics["ece"] == pytest.approx(0.1)
    assert details["att_cos_of_layer"] == {1: pytest.approx(0.1), 5: pytest.approx(0.6)}
    assert details["per_expression"]["none"]["att_cos"] is None
    assert details["per_expression"]["none"]["recall"] == 0
    assert [details["per_expression"][name]["faces_with_map"] for name in CLASSES] == [2, 2, 0]
    assert details["per_expression"]["b"]["maps"]["cam"] == {
        "cos": pytest.approx(0.5),
        "energy": None,
        "pointing": None,
        "iou": pytest.approx(0.6),
    }
    assert details["confusion"]["a"] == {"a": 1, "b": 1, "none": 0}
    assert details["calibration"]["ece"] == metrics["ece"]


def test_without_any_map_the_cosines_are_none_not_nan(make_predictions):
    metrics = aggregate.headline_metrics(make_predictions(has_map=(False,) * 5), CLASSES)
    assert metrics["att_cos"] is None
    assert format_figure(metrics["cam_cos"]) == "–"


def test_means_over_classes_leave_out_a_class_without_test_faces(predictions):
    without = replace(predictions, actual=np.array([0, 0, 0, 2, 2]))  # none of class b, which four faces are called
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = aggregate.headline_metrics(without, CLASSES)
        details = aggregate.classification_details(without, CLASSES)
    assert metrics["balanced_accuracy"] == pytest.approx((1 / 3 + 0) / 2)
    assert metrics["macro_f1"] == pytest.approx((2 / (2 + 1 + 2) + 0) / 2)
    assert details["per_expression"]["b"]["recall"] is None
    assert details["intervals"]["balanced_accuracy"]["mean"] == pytest.approx(metrics["balanced_accuracy"])


def test_figures_are_those_of_scikit_learn_where_every_class_has_test_faces():
    rng = np.random.default_rng(0)
    actual, predicted = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    nothing = {"confidence": np.full(200, 0.5), "has_map": np.zeros(200, bool), "rows": np.arange(200), "maps": {}}
    empty = np.zeros((200, 2, 2))
    faces = Predictions(actual=actual, predicted=predicted, attention=empty, cam=empty, true=empty, **nothing)
    metrics = aggregate.headline_metrics(faces, CLASSES)
    assert metrics["balanced_accuracy"] == balanced_accuracy_score(actual, predicted)
    assert metrics["macro_f1"] == f1_score(actual, predicted, average="macro")


def test_intervals_have_the_headline_figures_in_the_middle(predictions):
    metrics, intervals = aggregate.headline_metrics(predictions, CLASSES), aggregate.headline_intervals(predictions)
    for name in ("accuracy", "balanced_accuracy", "att_cos", "cam_cos"):
        figure = intervals[name]
        assert figure["mean"] == pytest.approx(metrics[name])
        assert figure["low"] <= figure["mean"] <= figure["high"]
    assert intervals["att_cos"]["low"] == pytest.approx((0.2 + 0.9) / 2)  # both faces of "a" are its worse one
    assert intervals["gradcam_cos"] is None


def test_kinds_have_their_measures_and_controls(predictions):
    details = aggregate.map_details(predictions, CLASSES, {kind: {"ceiling": 0.5} for kind in predictions.maps})
    assert details["cam"] == {
        "size": [3, 3],
        "cos": pytest.approx(0.3),
        "energy": None,
        "pointing": None,
        "iou": pytest.approx(0.4),
        "controls": {"ceiling": 0.5},
    }


def test_controls_are_cosines_of_maps_that_no_network_made(predictions):
    """All faces of a class have the class's own map, halves of the frame, which 3 x 3 cells cannot hold but 6 x 6 can."""
    maps = torch.zeros(3, 6, 6)
    maps[0, :, :3], maps[1, :, 3:] = 1, 1
    predictions.true[:] = maps[predictions.actual].numpy()
    controls = aggregate.control_cosines(predictions, ClassMeanMaps(maps, torch.tensor([3, 1, 0])), CLASSES)
    assert controls["layer1"]["class_mean"] == pytest.approx(1)
    assert controls["layer1"]["ceiling"] == pytest.approx(1)
    assert controls["layer1"]["training_mean"] == pytest.approx((0.75 + 0.25) / 2 / np.hypot(0.75, 0.25))
    assert controls["layer5"]["ceiling"] == pytest.approx(controls["layer5"]["class_mean"])
    assert 0.8 < controls["layer5"]["ceiling"] < 0.99
    assert controls["cam"]["ceiling"] != controls["layer5"]["ceiling"]  # a CAM is enlarged in another way


def test_discrimination_is_the_share_of_faces_closest_to_the_mean_map_of_their_expression(predictions):
    means = torch.zeros(3, 6, 6)
    means[0, :3], means[1, 3:] = 1, 1
    predictions.attention[:] = means[[0, 1, 1, 1, 1]].numpy()
    measured = aggregate.expression_discrimination(predictions, ClassMeanMaps(means, torch.tensor([2, 2, 0])), CLASSES)
    assert measured == {"rate": pytest.approx((0.5 + 1) / 2), "chance": 0.5}


def test_cosines_are_the_same_however_many_faces_are_compared_at_a_time(predictions, monkeypatch):
    means = ClassMeanMaps(torch.rand(3, 6, 6), torch.tensor([3, 1, 2]))
    measured = []
    for number in (1024, 2):
        monkeypatch.setattr(aggregate, "FACES_AT_A_TIME", number)
        measures = (aggregate.control_cosines, aggregate.expression_discrimination)
        measured.append([measure(predictions, means, CLASSES) for measure in measures])
    assert measured[0] == measured[1]
