import numpy as np
import pytest
import torch

from train.evaluate import aggregate as scores
from train.evaluate.aggregate import Predictions
from train.evaluate.figures import shown

CLASSES = ("a", "b", "none")


@pytest.fixture
def predictions():
    return made_up()


def made_up(has_map=(True, True, True, True, False)):
    """Five faces of three classes, the last one without a map; two layers, and a CAM."""
    rng = np.random.default_rng(0)
    maps = {name: rng.random((5, 6, 6)).astype(np.float32) for name in ("attention", "cam", "true")}
    measures = {
        "cos.layer1": np.array([0.1, 0.1, 0.1, 0.1, np.nan]),
        "cos.layer5": np.array([0.2, 0.4, 0.9, 0.9, np.nan]),
        "cos.cam": np.array([0.0, 0.2, 0.5, 0.5, np.nan]),
        "iou.cam": np.array([0.2, 0.2, 0.4, 0.8, np.nan]),
    }
    return Predictions(
        rows=np.arange(5),
        actual=np.array([0, 0, 1, 1, 2]),
        predicted=np.array([0, 1, 1, 1, 0]),
        confidence=np.full(5, 0.7),
        has_map=np.array(has_map),
        measures=measures,
        sizes={"layer1": (6, 6), "layer5": (3, 3), "cam": (3, 3)},
        **maps,
    )


def test_scores_are_macro_over_the_expressions_that_have_a_map(predictions):
    found = scores.score(predictions, CLASSES)
    assert found["macro"]["accuracy"] == pytest.approx(3 / 5)
    assert found["macro"]["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert found["macro"]["att_cos"] == pytest.approx((0.3 + 0.9) / 2)
    assert found["macro"]["cam_cos"] == pytest.approx((0.1 + 0.5) / 2)
    assert found["macro"]["gradcam_cos"] is None  # no such map was made
    assert found["macro"]["ece"] == pytest.approx(0.1)
    assert found["att_cos_of_layer"] == {1: pytest.approx(0.1), 5: pytest.approx(0.6)}
    assert found["per_expression"]["none"]["att_cos"] is None
    assert found["per_expression"]["none"]["recall"] == 0
    assert [found["per_expression"][name]["faces_with_map"] for name in CLASSES] == [2, 2, 0]
    assert found["per_expression"]["b"]["maps"]["cam"] == {
        "cos": pytest.approx(0.5),
        "energy": None,
        "pointing": None,
        "iou": pytest.approx(0.6),
    }
    assert found["confusion"]["a"] == {"a": 1, "b": 1, "none": 0}


def test_without_any_map_the_cosines_are_none_not_nan():
    found = scores.score(made_up(has_map=(False,) * 5), CLASSES)
    assert found["macro"]["att_cos"] is None
    assert shown(found["macro"]["cam_cos"]) == "–"


def test_intervals_have_the_headline_figures_in_the_middle(predictions):
    found = scores.score(predictions, CLASSES)
    for name in ("accuracy", "balanced_accuracy", "att_cos", "cam_cos"):
        figure = found["intervals"][name]
        assert figure["mean"] == pytest.approx(found["macro"][name])
        assert figure["low"] <= figure["mean"] <= figure["high"]
    assert found["intervals"]["att_cos"]["low"] == pytest.approx((0.2 + 0.9) / 2)  # both faces of "a" are its worse one
    assert found["intervals"]["gradcam_cos"] is None


def test_kinds_have_their_measures_and_controls(predictions):
    found = scores.of_kinds(predictions, CLASSES, {kind: {"ceiling": 0.5} for kind in predictions.sizes})
    assert found["cam"] == {
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
    found = scores.controls(predictions, maps, torch.tensor([3, 1, 0]), CLASSES)
    assert found["layer1"]["class_mean"] == pytest.approx(1)
    assert found["layer1"]["ceiling"] == pytest.approx(1)
    assert found["layer1"]["training_mean"] == pytest.approx((0.75 + 0.25) / 2 / np.hypot(0.75, 0.25))
    assert found["layer5"]["ceiling"] == pytest.approx(found["layer5"]["class_mean"])
    assert 0.8 < found["layer5"]["ceiling"] < 0.99
    assert found["cam"]["ceiling"] != found["layer5"]["ceiling"]  # a CAM is enlarged in another way


def test_own_expression_is_the_share_of_faces_closest_to_their_own_mean(predictions):
    means = torch.zeros(3, 6, 6)
    means[0, :3], means[1, 3:] = 1, 1
    predictions.attention[:] = means[[0, 1, 1, 1, 1]].numpy()
    measured = scores.own_expression(predictions, means, torch.tensor([2, 2, 0]), CLASSES)
    assert measured == {"rate": pytest.approx((0.5 + 1) / 2), "chance": 0.5}
