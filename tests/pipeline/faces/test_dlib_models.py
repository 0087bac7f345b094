import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest

from pipeline.faces import dlib_models as models
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest


@pytest.mark.parametrize("name", [models.PREDICTOR, models.CNN_DETECTOR])
def test_packaged_models_are_the_published_ones(name):
    path = models.packaged(name)
    assert path.name == name
    assert file_digest(path) == models.SHA256[name]


def test_null_is_the_packaged_predictor(tmp_path):
    assert models.predictor_path(None) == models.packaged(models.PREDICTOR)
    (tmp_path / "mine.dat").write_bytes(b"x")
    assert models.predictor_path(str(tmp_path / "mine.dat")) == tmp_path / "mine.dat"


@pytest.mark.parametrize("path", ["none.dat", "."])
def test_missing_predictor_is_named(path):
    with pytest.raises(InputError, match=f"landmarks.predictor '{path}' does not exist: give a dlib shape predictor's file"):
        models.predictor_path(path)


def test_hog_detector_is_that_of_dlib(tmp_path):
    """Its file holds each byte that dlib's own detector saves."""
    models.import_dlib().get_frontal_face_detector().save(str(tmp_path / "dlib.svm"))
    assert models.HOG_DETECTOR.read_bytes() == (tmp_path / "dlib.svm").read_bytes()
    models.detector().save(str(tmp_path / "used.svm"))
    assert (tmp_path / "used.svm").read_bytes() == models.HOG_DETECTOR.read_bytes()


def test_hog_detector_is_ready_at_once():
    """Unpacking the detector that dlib carries takes half a second of each process."""
    dlib = models.import_dlib()
    start = time.process_time()
    dlib.get_frontal_face_detector()
    unpacked = time.process_time()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(models.detector).result()
    assert time.process_time() - unpacked < (unpacked - start) / 5


def test_each_thread_has_one_detector_of_its_own():
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(lambda: (models.detector(), models.detector())).result()
    assert theirs[0] is theirs[1]
    assert models.detector() is models.detector()
    assert models.detector() is not theirs[0]


def test_dlib_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(InputError, match="dlib cannot be imported: pip install dlib-bin"):
        models.import_dlib()


def test_dlib_is_imported_late():
    """Whoever only renders maps or trains needs no dlib."""
    stages = ", ".join(f"pipeline.{stage}.stage" for stage in ("detect", "landmarks", "heatmaps"))
    modules = f"pipeline.cli, {stages}, pipeline.ingest.datasets.demo"
    script = f"import sys, {modules}; print('dlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    assert find_spec("dlib")
