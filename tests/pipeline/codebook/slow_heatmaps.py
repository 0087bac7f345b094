"""The released renderer, step by step as the method describes it: a canvas of the image's size for every action unit.

``aucue bench heatmaps`` and the tests compare the fast renderer with it. It draws only ellipses, upright and in whole
pixels, because the released code draws nothing else.
"""

import cv2
import numpy as np

from pipeline.codebook import Codebook
from pipeline.codebook.geometry import Length

CELLS = 28


def render(landmarks: np.ndarray, label: str, height: int, width: int, book: Codebook) -> np.ndarray | None:
    """Render the map (height, width) in [0, 1] of one face (68, 2); None if none of its regions is in the frame."""
    points = np.trunc(landmarks)
    drawn = []
    for cue in book.cues[label]:
        canvas = np.full((height, width), 1e-4, np.float32)
        for ellipse in book.regions[cue.au]:
            x = int(points[list(ellipse.centre.x), 0].mean()) + pixels(ellipse.offset.x, 0, points, height, width)
            y = int(points[list(ellipse.centre.y), 1].mean()) + pixels(ellipse.offset.y, 1, points, height, width)
            x = max(x, 0) if ellipse.inside == "left" else x
            x = min(x, width) if ellipse.inside == "right" else x
            radii = pixels(ellipse.rx, 0, points, height, width), pixels(ellipse.ry, 1, points, height, width)
            if min(radii) >= 0:
                cv2.ellipse(canvas, (x, y), radii, 0, 0, 360, 255, -1)
        if canvas.max() < 1:
            continue
        shrunk = cv2.resize(canvas, (CELLS, CELLS), interpolation=cv2.INTER_LINEAR)
        blurred = cv2.blur(shrunk, (3, 3), borderType=cv2.BORDER_REFLECT_101)
        drawn.append(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR))
    if not drawn:
        return None
    combined = np.max(drawn, axis=0)
    spread = np.ptp(combined)
    return (combined - combined.min()) / spread if spread > 1e-3 else None


def pixels(length: Length, axis: int, points: np.ndarray, height: int, width: int) -> int:
    """Measure a length along one axis (0 is x) in whole pixels."""
    if length.half is not None:
        first, second = points[list(length.half), axis]
        half = int((second - first + (length.plus.px if length.plus else 0)) / 2)
        return int(length.otherwise.px) if half <= 0 and length.otherwise else half
    if length.px is not None:
        return int(length.px)
    return round(length.width * width) if length.width is not None else round(length.height * height)
