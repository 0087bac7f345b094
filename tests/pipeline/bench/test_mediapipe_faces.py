import sys

from pipeline.bench import mediapipe_faces


def test_what_is_missing_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert mediapipe_faces.why_not() == "it is not installed (pip install mediapipe)"
