import numpy as np
import pytest

from train.explain.outputs.timeline import Timeline

CLASSES, KEYS = ("anger", "fear", "joy"), ("4", "12")


def row(frame, probabilities, box="0 0 10 10", seen=(1.0, None), reason=""):
    expression = CLASSES[int(np.argmax(probabilities))] if probabilities else ""
    figures = dict(zip(CLASSES, probabilities or [None] * 3, strict=True))
    units = {f"AU{key} seen": value for key, value in zip(KEYS, seen, strict=True)}
    return {
        "frame": frame,
        "time": None if frame is None else frame / 10,
        "expression": expression,
        "box": box,
        "reason": reason,
        **figures,
        **units,
    }


@pytest.fixture
def timeline():
    timeline = Timeline("v.mp4", CLASSES, KEYS)
    timeline.add([row(0, [0.6, 0.3, 0.1])])
    timeline.add([row(1, [0.9, 0.1, 0.0], box="0 0 9 9"), row(1, [0.2, 0.7, 0.1], box="5 5 50 50")])
    timeline.add([row(2, None)])
    timeline.add([row(3, [0.8, 0.1, 0.1])])
    timeline.add([row(4, [0.3, 0.4, 0.3])])
    return timeline


def test_the_largest_face_of_a_frame_counts(timeline):
    assert timeline.frames == 5
    assert timeline.figures[:, 0].tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(timeline.figures[1, :5], [1, 0.1, 0.2, 0.7, 0.1], atol=1e-6)
    assert np.isnan(timeline.figures[:, -1]).all()


def test_the_peaks_are_the_surest_frames_of_each_answer_in_the_order_of_time(timeline):
    assert list(timeline.peaks().items()) == [(1, "fear"), (3, "anger")]


def test_the_summary_says_how_much_was_looked_at(timeline):
    assert timeline.summary == "5 frames, a face in 4"
    timeline.add([row(None, None, reason="the video ends after 5 of 20 frames")])
    assert timeline.summary == "5 frames, a face in 4; the video ends after 5 of 20 frames"
    assert Timeline("v.mp4", CLASSES, KEYS).peaks() == {}


def test_the_chart_is_the_same_for_the_same_figures(timeline):
    assert timeline.chart() == timeline.chart()
    assert timeline.chart().startswith("<svg")
    assert all(name in timeline.chart() for name in (*CLASSES, "AU4", "AU12"))
