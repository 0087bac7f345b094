import os
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest

from pipeline.bench import mediapipe_faces

STAND_IN = """
from types import SimpleNamespace

class FaceMesh:
    def __init__(self, **options):
        assert options == {"static_image_mode": True, "max_num_faces": 1}

    def process(self, image):
        return SimpleNamespace(multi_face_landmarks=["face"] if image.mean() > 100 else None)

solutions = SimpleNamespace(face_mesh=SimpleNamespace(FaceMesh=FaceMesh))
"""


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (None, "it is not installed (pip install mediapipe==0.10.21)"),
        (
            ModuleType("mediapipe"),
            "this version comes without its model of face landmarks (pip install mediapipe==0.10.21)",
        ),
    ],
)
def test_what_is_missing_is_a_sentence(monkeypatch, capsys, module, reason):
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    assert mediapipe_faces.measure(["a.jpg"]) == {}
    assert capsys.readouterr().out == f"mediapipe is not measured: {reason}\n"


def test_each_photo_is_read_and_shown_to_mediapipe(tmp_path, monkeypatch):
    """Other processes find this library, too: they are started with the path of this one."""
    (tmp_path / "mediapipe.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mediapipe", raising=False)
    paths = [str(tmp_path / f"{name}.png") for name in ("dark", "bright", "missing")]
    cv2.imwrite(paths[0], np.full((8, 8, 3), 10, np.uint8))
    cv2.imwrite(paths[1], np.full((8, 8, 3), 200, np.uint8))
    figures = mediapipe_faces.measure(paths)
    assert figures["recall"] == pytest.approx(1 / 3)
    assert min(figures.values()) > 0
