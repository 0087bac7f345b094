"""Measure mediapipe's face landmarks beside aucue, where it is installed with its model. It is no dependency.

Each photo is taken by itself (static mode), read by OpenCV.
"""

import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import click
import cv2

from pipeline.bench.measurement import cpu_seconds, print_figures, timed

BATCH = 8  # photos of a task
INSTALL = "pip install mediapipe==0.10.21"  # the last version that holds its model; it needs NumPy 1


def why_not() -> str:
    """Return why mediapipe cannot be measured here; empty text if it can."""
    try:
        _new_face_mesh()
    except ImportError:
        return f"it is not installed ({INSTALL})"
    except AttributeError:
        return f"this version comes without its model of face landmarks ({INSTALL})"
    except Exception as error:  # noqa: BLE001 (its C++ code raises many kinds of errors)
        return f"its face landmarks do not start ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    return ""


def measure(paths: Sequence[str]) -> dict[str, float]:
    """Find the landmarks of photos with one process and with two, their start included, and print the figures.

    Returns:
        Photos per second of both, photos per second of processor time of one process, and the share of the photos with
        landmarks. Nothing, after a line that says why, if mediapipe cannot be measured.
    """
    if reason := why_not():
        click.echo(f"mediapipe is not measured: {reason}")
        return {}
    before = cpu_seconds()
    found, one = timed(partial(_find_all, paths, 1))
    cpu = cpu_seconds() - before
    _, two = timed(partial(_find_all, paths, 2))
    figures = {
        "one_process": len(paths) / one,
        "one_process_per_cpu_second": len(paths) / cpu,
        "two_processes": len(paths) / two,
        "recall": sum(found) / len(paths),
    }
    return print_figures("photos a second, mediapipe", figures)


def _find_all(paths: Sequence[str], processes: int) -> list[bool]:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(has_landmarks, paths, chunksize=BATCH))


def has_landmarks(path: str) -> bool:
    """Say whether mediapipe finds the landmarks of a face in a photo."""
    image = cv2.imread(path, cv2.IMREAD_COLOR_RGB)
    return image is not None and bool(_face_mesh().process(image).multi_face_landmarks)


@cache
def _face_mesh() -> Any:  # mediapipe has no types
    """The face mesh of this process."""
    return _new_face_mesh()


def _new_face_mesh() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "3")  # its notes about every start
    return importlib.import_module("mediapipe").solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1)
