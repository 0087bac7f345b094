import sys
from types import ModuleType

import pytest

from pipeline.bench import mediapipe_faces


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
def test_what_is_missing_is_a_sentence(monkeypatch, module, reason):
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    assert mediapipe_faces.why_not() == reason
