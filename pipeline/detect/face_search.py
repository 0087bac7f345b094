"""Search a photo for faces level by level: cheap and coarse first, dearer levels only where nothing was found.

A level is a detector on a photo resized to one length of its longer side. The levels were ordered by cost and yield on
1,257 photos of 48 to 700 pixels: 128 pixels find 88 % of the faces at a third of the cost of 256. Landmarks are as good from
a box of that level as from one of 256: they differ by 1.4 % of the distance between the eyes (median), as much as those of
any two larger sizes do.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.faces import dlib_models as models
from pipeline.faces.boxes import Box
from pipeline.runtime.parameters import Detect

# The detector looks for faces of 80 pixels and more. A level that shows little more of the photo than its largest face
# cannot count faces; from here on it sees those of a third of the photo's length.
ALL_FACES = 256
ENLARGE = 2  # times, at sides beyond ALL_FACES: more shows a detector nothing new, at four times the cost each doubling
MMOD_PADDING = 0.1  # at once, since this detector is dear: it costs it no face, and more of it would find none
MMOD_SHIFT = (0.047, 0.056)  # of a box's side, right and down: between the medians of the two detectors' boxes


@dataclass(frozen=True)
class Level:
    """``side`` is the length in pixels that the photo's longer side, padded, is resized to; ``padding`` a share of that
    side before padding, added on each of the four sides."""

    detector: str  # hog | mmod
    side: int
    padding: float

    @property
    def name(self) -> str:
        words = ["mmod" if self.detector == "mmod" else "", "padded" if self.padding else "", str(self.side)]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Detections:
    """The faces that a level sees: at least one. A score is the detector's margin: higher is surer."""

    level: str
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]


def levels(params: Detect) -> Iterator[Level]:
    """The levels to try in turn: the CNN before HOG beyond ALL_FACES, which costs as much and finds a tenth as many more.

    A coarse level that finds the largest face may miss the smaller ones, so that only the policy ``largest`` starts there.
    """
    hog = params.search_sizes
    if params.on_multiple != "largest":
        hog = [side for side in params.search_sizes if side >= ALL_FACES] or params.search_sizes[-1:]
    paddings = (0.0, params.padding) if params.padding else (0.0,)
    by_hog = [Level("hog", side, padding) for side in hog for padding in paddings]
    by_mmod = [Level("mmod", side, min(params.padding, MMOD_PADDING)) for side in params.mmod_search_sizes]
    if params.detector != "mmod":
        yield from (level for level in by_hog if level.side <= ALL_FACES)
    if params.detector != "hog":
        yield from by_mmod
    if params.detector != "mmod":
        yield from (level for level in by_hog if level.side > ALL_FACES)


def search(image: np.ndarray, levels: Iterable[Level]) -> Detections | None:
    """The faces in ``image`` (h, w, 3) RGB that the first level with any sees, levels that only enlarge it left out."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    largest = max(ALL_FACES, ENLARGE * max(grey.shape))
    for level in levels:
        if level.side > largest:
            continue
        scaled, scale, border = _scaled(image if level.detector == "mmod" else grey, level)
        boxes, scores = _DETECTORS[level.detector](scaled)
        if boxes:
            in_photo = (np.array(boxes, float) - border) / scale
            return Detections(level.name, tuple(map(tuple, in_photo.tolist())), tuple(scores))
    return None


def _scaled(image: np.ndarray, level: Level) -> tuple[np.ndarray, float, int]:
    """``image`` at the level's size, its scale, and the border in pixels of that size (padding what is small is cheap)."""
    length = max(image.shape[:2])
    inner = level.side / (1 + 2 * level.padding)
    border, scale = round(inner * level.padding), inner / length
    size = tuple(max(1, round(scale * side)) for side in image.shape[1::-1])
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if border:
        scaled = cv2.copyMakeBorder(scaled, border, border, border, border, cv2.BORDER_REPLICATE)
    return scaled, scale, border


def _hog(grey: np.ndarray) -> tuple[list[Box], list[float]]:
    found, scores, _ = models.detector().run(grey, 0, 0.0)
    return [_box(rectangle) for rectangle in found], list(scores)


def _mmod(image: np.ndarray) -> tuple[list[Box], list[float]]:
    """Boxes moved to where the other detector shows a face, which is what the landmarks' predictor knows."""
    found = models.cnn_detector()(image, 0)
    moved = []
    for detection in found:
        left, top, right, bottom = _box(detection.rect)
        x, y = MMOD_SHIFT[0] * (right - left), MMOD_SHIFT[1] * (bottom - top)
        moved.append((left + x, top + y, right + x, bottom + y))
    return moved, [detection.confidence for detection in found]


def _box(rectangle) -> Box:
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


_DETECTORS = {"hog": _hog, "mmod": _mmod}
