import base64

import cv2
import numpy as np

from train.report import pictures


def decode(uri):
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_COLOR_RGB)


def test_overlay_is_blue_where_the_map_is_low_and_red_where_it_is_high():
    heatmap = np.zeros((4, 4), np.float32)
    heatmap[:, 2:] = 1
    image = pictures.overlay(np.full((64, 64, 3), 128, np.uint8), heatmap)
    assert image[32, 60, 0] > image[32, 60, 2]
    assert image[32, 4, 2] > image[32, 4, 0]


def test_landmarks_outside_the_crop_do_no_harm():
    image = np.zeros((64, 64, 3), np.uint8)
    marked = pictures.with_landmarks(image, np.array([[10.0, 20.0], [-500.0, 9000.0]]))
    assert marked[20, 10, 1] > 200
    assert not image.any()


def test_jpeg_uri_has_the_width_asked_for():
    assert decode(pictures.jpeg_uri(np.zeros((256, 256, 3), np.uint8), 90)).shape == (90, 90, 3)


def test_charts_are_the_same_bytes_every_time():
    series = {"accuracy": {"baseline": [0.1, 0.5], "guided": [0.2, 0.6]}}
    assert pictures.curves(series) == pictures.curves(series)
    counts = {"a": {"a": 3, "b": 0}, "b": {"a": 1, "b": 2}}
    chart = pictures.confusion(counts, "guided")
    assert chart == pictures.confusion(counts, "guided")
    assert chart.startswith("<svg")


def test_a_line_begins_where_attention_is_not_guided_and_all_else_is_alike():
    def point(layers, weight, cam, otherwise=""):
        return {"method": "cam", "layers": layers, "lambda": weight, "cam_lambda": cam, "otherwise": otherwise}

    none, five, both, four = point("none", 0, 0), point("5", 4, 0), point("5", 4, 2), point("4", 4, 0)
    assert pictures.lines_over_lambda([none, five, both, four]) == {
        "cam, layers 5": [none, five],
        "cam, layers 4": [none, four],
        "cam, layers 5, CAM 2": [both],
    }
    cam = point("none", 0, 2)
    assert pictures.lines_over_lambda([cam, both, none]) == {"cam, layers 5, CAM 2": [cam, both], "cam": [none]}
    longer, start = point("5", 4, 0, "epochs 9"), point("none", 0, 0, "epochs 9")
    assert pictures.lines_over_lambda([none, longer, start]) == {"cam, layers 5, epochs 9": [start, longer], "cam": [none]}


def test_sweep_is_the_same_every_time_whatever_is_missing():
    def point(method, align, weight, value):
        figures = {"m": value, "m_low": value, "m_high": value}
        return {
            "method": method,
            "align": align,
            "layers": "none" if align == "none" else "5",
            "lambda": weight,
            "cam_lambda": 0.0,
            "otherwise": "",
            **figures,
        }

    points = [point("a", "none", 0.0, 0.5), point("a", "attention", 6.0, 0.7), point("b", "none", 0.0, None)]
    first = pictures.sweep(points, {"m": "title"})
    assert first == pictures.sweep(points, {"m": "title"})
    assert cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR).std() > 1
    without_start = pictures.sweep(points[1:], {"m": "title"})
    assert without_start != first
