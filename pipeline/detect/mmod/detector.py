"""Faces from scores: the boxes of the places with a positive score, of which the surest of each face stays."""

from functools import cache

import numpy as np

from pipeline.detect.mmod import network, pyramid, weights
from pipeline.detect.mmod.threads import single_blas_thread
from pipeline.faces import dlib_models


def detect(image: np.ndarray) -> tuple[list[list[int]], list[float]]:
    """Find faces (to_label of loss_mmod_ in dlib/dnn/loss.h).

    The same image gives the same bytes on a machine, whatever the number of threads. Any thread may call it at any time.

    Args:
        image: RGB (h, w, 3), uint8.

    Returns:
        The boxes (left, top, right, bottom) in whole pixels of the image, and their confidences, the surest first.

    Raises:
        InputError: If dlib's model file is missing or has another content.
    """
    net = _net()
    canvas, tiles = pyramid.tiled(image, net.means)
    with single_blas_thread():
        scores = network.scores(canvas, net.layers)
    rows, columns = np.nonzero(scores > 0)
    confidences = scores[rows, columns].astype(float)
    centres = network.input_place(np.column_stack([columns, rows]), net.layers)
    reach = (np.array(net.window) - 1) / 2
    windows = np.hstack([centres - reach, centres + reach])
    boxes = _rounded(pyramid.to_image(centres, windows, tiles))
    order = np.argsort(-confidences, kind="stable")
    kept = _distinct(boxes[order], net.overlap)
    return boxes[order][kept].astype(int).tolist(), confidences[order][kept].tolist()


@cache
def _net() -> weights.Network:
    return weights.read(dlib_models.packaged(dlib_models.CNN_DETECTOR))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round to whole numbers as dlib does (dlib/geometry/drectangle.h): halves away from zero, not to the even number."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def _distinct(boxes: np.ndarray, overlap: float) -> list[int]:
    """Number the boxes (n, 4) that overlap with no box before them that was kept."""
    kept, others = [], np.arange(len(boxes))
    while others.size:
        surest, others = others[0], others[1:]
        kept.append(int(surest))
        others = others[overlaps(boxes[others], boxes[surest]) <= overlap]
    return kept


def overlaps(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Measure how far boxes overlap with a box (test_box_overlap in dlib/image_processing/box_overlap_testing.h).

    Args:
        boxes: Boxes (n, 4) as (left, top, right, bottom), whole pixels, the last included.
        box: A box (4,).

    Returns:
        The area (n,) of the intersection, as a share of the smallest box around both.
    """
    inner = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]) + 1
    outer = np.maximum(boxes[:, 2:], box[2:]) - np.minimum(boxes[:, :2], box[:2]) + 1
    return np.maximum(inner, 0).prod(axis=1) / outer.prod(axis=1)
