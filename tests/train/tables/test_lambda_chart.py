import cv2
import numpy as np
import pytest

from train.tables import lambda_chart
from train.tables.evaluated_runs import EvaluatedRun, RunConfig


def test_a_line_begins_where_attention_is_not_guided_and_all_else_is_alike():
    def point(layers, weight, cam, otherwise="", evidence=0.0):
        weights = {"lambda": weight, "cam_lambda": cam, "evidence_share": evidence}
        return {"method": "cam", "layers": layers, **weights, "otherwise": otherwise}

    none, five, both, four = point("none", 0, 0), point("5", 4, 0), point("5", 4, 2), point("4", 4, 0)
    assert lambda_chart.lines_by_label([none, five, both, four]) == {
        "cam, layers 5": [none, five],
        "cam, layers 4": [none, four],
        "cam, layers 5, CAM 2": [both],
    }
    cam = point("none", 0, 2)
    assert lambda_chart.lines_by_label([cam, both, none]) == {"cam, layers 5, CAM 2": [cam, both], "cam": [none]}
    longer, start = point("5", 4, 0, "epochs 9"), point("none", 0, 0, "epochs 9")
    assert lambda_chart.lines_by_label([none, longer, start]) == {"cam, layers 5, epochs 9": [start, longer], "cam": [none]}
    swapped = point("5", 4, 0, evidence=0.5)
    assert lambda_chart.lines_by_label([none, swapped]) == {"cam, layers 5, evidence 0.5": [swapped], "cam": [none]}


def test_chart_is_the_same_every_time_whatever_is_missing():
    def point(method, align, weight, value):
        figures = {"m": value, "m_low": value, "m_high": value}
        return {
            "method": method,
            "align": align,
            "layers": "none" if align == "none" else "5",
            "lambda": weight,
            "cam_lambda": 0.0,
            "evidence_share": 0.0,
            "otherwise": "",
            **figures,
        }

    points = [point("a", "none", 0.0, 0.5), point("a", "attention", 6.0, 0.7), point("b", "none", 0.0, None)]
    first = lambda_chart.draw(points, {"m": "title"})
    assert first == lambda_chart.draw(points, {"m": "title"})
    assert cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR).std() > 1
    without_start = lambda_chart.draw(points[1:], {"m": "title"})
    assert without_start != first


def run(config, seed, accuracy, cam_cos):
    return EvaluatedRun(f"{seed}", config, seed, {"accuracy": accuracy, "att_cos": 0.5, "cam_cos": cam_cos}, {})


def test_points_have_means_and_ranges():
    without, mapless = RunConfig("cam"), RunConfig("apvit", ("attention",), (5,), 6.0)
    groups = {without: [run(without, 0, 0.8, 0.5), run(without, 1, 0.82, 0.6)], mapless: [run(mapless, 0, 0.9, None)]}
    points = lambda_chart.chart_points(groups)
    start = next(point for point in points if point["align"] == "none")
    assert (start["lambda"], start["seeds"]) == (0, 2)
    assert [start[f"accuracy{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.81, 0.8, 0.82])
    assert next(point for point in points if point["method"] == "apvit")["cam_cos"] is None
