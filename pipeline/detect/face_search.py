"""Search a photo for faces level by level: first cheap and coarse levels, then costlier levels if no face was found.

A level is a detector applied to the photo at one size, given as the length of the longer side. The levels were ordered by
cost and yield on 1,257 photos of 48 to 700 pixels: 128 pixels find 88 % of the faces at a third of the cost of 256 pixels. A
box found at 128 pixels gives as good landmarks as a box found at 256: they differ by 1.4 % of the distance between the eyes
(median), which is also the difference between any two larger sizes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.detect import mmod
from pipeline.faces import dlib_models
from pipeline.faces.boxes import Box
from pipeline.faces.picture import WHOLE, Picture
from pipeline.runtime.parameters import Detect

# The HOG detector finds faces of 80 pixels or more. At a small size only the largest faces of a photo reach 80 pixels, so
# that such a level cannot count faces. From this size on, the detector sees faces of a third of the photo's length.
ALL_FACES = 256
# Largest enlargement above ALL_FACES pixels: more finds nothing new, and each doubling costs 4 times as much.
MAX_ENLARGEMENT = 2
# In photos larger than WHOLE, HOG at up to this size comes before the CNN: most faces that are left by then are small.
FIRST_IN_LARGE = 512
MMOD_PADDING = 0.1  # padding of this detector's only pass: it loses no face, and more padding finds no more faces
# Shift (right, down) of the CNN's boxes to HOG's, as shares of the box's side: the difference of their medians.
MMOD_SHIFT = (0.047, 0.056)


@dataclass(frozen=True)
class Level:
    """A detector, and the size at which it sees the photo."""

    detector: str  # hog | mmod
    side: int  # length in pixels of the photo's longer side after padding and resizing
    padding: float  # border added on each of the four sides, as a share of the longer side before padding

    @property
    def inner(self) -> float:
        """Length in pixels of the photo's longer side after resizing, before padding."""
        return self.side / (1 + 2 * self.padding)

    @property
    def name(self) -> str:
        """The name in the column ``level`` of the detections, as ``mmod padded 128``."""
        words = ["mmod" if self.detector == "mmod" else "", "padded" if self.padding else "", str(self.side)]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Detections:
    """The faces that a level sees, at least one."""

    level: str  # the level's name
    boxes: tuple[Box, ...]  # in pixels of the photo
    scores: tuple[float, ...]  # the detector's margins: a higher score is a surer face


def levels(params: Detect) -> Iterator[Level]:
    """List the levels in the order in which to try them.

    The CNN comes before HOG at sizes beyond ALL_FACES: HOG costs more there and finds only a tenth as many further faces.
    A coarse level that finds the largest face may miss smaller faces. Therefore only the policy ``largest`` starts at coarse
    levels.

    Args:
        params: The detectors, sizes and padding to use.

    Yields:
        The levels, to be tried until a level finds a face.
    """
    hog_sizes = tuple(params.search_sizes)
    if params.on_multiple != "largest":
        hog_sizes = tuple(side for side in hog_sizes if side >= ALL_FACES) or hog_sizes[-1:]
    paddings = (0.0, params.padding) if params.padding else (0.0,)
    by_hog = [Level("hog", side, padding) for side in hog_sizes for padding in paddings]
    by_mmod = [Level("mmod", side, min(params.padding, MMOD_PADDING)) for side in params.mmod_search_sizes]
    if params.detector != "mmod":
        yield from (level for level in by_hog if level.side <= ALL_FACES)
    if params.detector != "hog":
        yield from by_mmod
    if params.detector != "mmod":
        yield from (level for level in by_hog if level.side > ALL_FACES)


def search(picture: Picture, levels: Iterable[Level]) -> Detections | None:
    """Find the faces in a photo with the first level that sees a face.

    Args:
        picture: The photo. A level sees it reduced, as far as it still has the level's size.
        levels: Levels to try in order. A level at more than ALL_FACES pixels is skipped if it would enlarge the photo more
            than MAX_ENLARGEMENT times.

    Returns:
        The faces of that level, with boxes in pixels of the photo, or None if no level sees a face.
    """
    largest = max(ALL_FACES, MAX_ENLARGEMENT * picture.longer)
    for level in sorted(levels, key=_comes_late) if picture.longer > WHOLE else levels:
        if level.side > largest:
            continue
        reduction = picture.reduction(picture.longer, level.inner)
        image = picture.rgb(reduction) if level.detector == "mmod" else picture.grey(reduction)
        scaled, scale, border = _scaled(image, level)
        boxes, scores = DETECTORS[level.detector](scaled)
        if boxes:
            in_photo: list[Box] = [
                (left, top, right, bottom)
                for left, top, right, bottom in ((np.array(boxes, float) - border) / scale * reduction).tolist()
            ]
            return Detections(level.name, tuple(in_photo), tuple(scores))
    return None


def _comes_late(level: Level) -> bool:
    """Whether other levels come before this level in a large photo."""
    return level.detector == "mmod" or level.side > FIRST_IN_LARGE


def _scaled(image: np.ndarray, level: Level) -> tuple[np.ndarray, float, int]:
    """The image at the level's size, the scale, and the border in pixels of that size. A small image is cheap to pad."""
    length = max(image.shape[:2])
    border, scale = round(level.inner * level.padding), level.inner / length
    height, width = image.shape[:2]
    size = max(1, round(scale * width)), max(1, round(scale * height))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if border:
        scaled = cv2.copyMakeBorder(scaled, border, border, border, border, cv2.BORDER_REPLICATE)
    return scaled, scale, border


def _hog(grey: np.ndarray) -> tuple[list[Box], list[float]]:
    rectangles, scores, _ = dlib_models.detector().run(grey, 0, 0.0)
    boxes: list[Box] = [(each.left(), each.top(), each.right(), each.bottom()) for each in rectangles]
    return boxes, list(scores)


def _mmod(image: np.ndarray) -> tuple[list[Box], list[float]]:
    """Detect with the CNN, and move the boxes to where HOG draws them: the landmark predictor was trained on HOG's boxes."""
    boxes, confidences = mmod.detect(image)
    moved: list[Box] = []
    for left, top, right, bottom in boxes:
        x, y = MMOD_SHIFT[0] * (right - left), MMOD_SHIFT[1] * (bottom - top)
        moved.append((left + x, top + y, right + x, bottom + y))
    return moved, confidences


DETECTORS = {"hog": _hog, "mmod": _mmod}  # each takes an image and gives boxes and scores
