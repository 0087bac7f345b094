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
    assert pictures.line_charts(series) == pictures.line_charts(series)
    counts = {"a": {"a": 3, "b": 0}, "b": {"a": 1, "b": 2}}
    chart = pictures.confusion_matrix(counts, "guided")
    assert chart == pictures.confusion_matrix(counts, "guided")
    assert chart.startswith("<svg")


def test_a_pair_that_was_not_measured_is_an_empty_cell(monkeypatch):
    drawn = []
    monkeypatch.setattr("matplotlib.axes.Axes.text", lambda axes, x, y, text, **_: drawn.append((x, y, text)))
    chart = pictures.fall_matrix({"anger": {"fear": 0.25}, "fear": {"anger": -0.125, "fear": 0.5}}, "guided")
    assert chart.startswith("<svg")
    assert drawn == [(1, 0, "0.25"), (0, 1, "-0.12"), (1, 1, "0.50")]
