import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from train.bench import peers


@pytest.fixture
def photos(dataset):
    return sorted(dataset.photos.rglob("*.png"))[:3] or sorted(dataset.photos.rglob("*.jpg"))[:3]


def test_a_peer_that_is_not_installed_is_named(photos, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert peers.measure_peers(photos) == {}
    assert "mediapipe is not measured" in capsys.readouterr().out


def test_a_version_without_models_is_named(photos, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mediapipe", ModuleType("mediapipe"))
    assert peers.measure_peers(photos) == {}
    assert "pip install mediapipe==0.10.21" in capsys.readouterr().out


def test_each_photo_is_read_and_shown_to_the_peer(photos, monkeypatch, capsys):
    shown = []

    @contextmanager
    def face_mesh(**_):
        def process(image):
            shown.append(image.shape)
            return SimpleNamespace(multi_face_landmarks=None if len(shown) == 1 else ["face"])

        yield SimpleNamespace(process=process)

    library = ModuleType("mediapipe")
    library.solutions = SimpleNamespace(face_mesh=SimpleNamespace(FaceMesh=face_mesh))
    monkeypatch.setitem(sys.modules, "mediapipe", library)
    figures = peers.measure_peers(photos)
    assert len(shown) == len(photos)
    assert figures["mediapipe_faces"] == len(photos) - 1
    assert figures["mediapipe_per_second"] > 0
    assert "mediapipe per second" in capsys.readouterr().out
