"""Stage detect: one row per photo with the face's box, or the reason there is none.

Boxes are in pixels of the upright photo, origin top left, and may reach beyond its frame.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pipeline import manifest, models
from pipeline.cache import Rows
from pipeline.cache import key as key_of
from pipeline.files import locked
from pipeline.manifest import Photo
from pipeline.params import Base, Detect
from pipeline.photos import Unreadable, read_rgb
from pipeline.progress import progress, taken_up
from pipeline.statuses import Tally
from pipeline.tables import read_table, write_table
from pipeline.workers import DIED, ordered_map


@dataclass(frozen=True)
class Detection:
    """What was found in one photo.

    Of several faces the largest is kept; ``faces`` counts those seen at the photo's size that it was found at.
    """

    id: str
    status: str  # ok | excluded | unreadable | no_face
    reason: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    score: float = 0.0  # of dlib's detector: a margin, higher is surer
    faces: int = 0


def main(
    base: Base,
    params: Detect,
    manifest_path: Path,
    detections_path: Path,
    cache_dir: Path | None = None,
    scheduler: str | None = None,
    max_failed_fraction: float = 1.0,
) -> list[Detection]:
    """Detect a face in every photo of the manifest and write the detections; returns them.

    What an earlier run found is taken from ``cache_dir``, photo by photo. Raises InputError if a larger share of the photos
    than ``max_failed_fraction`` failed.
    """
    photos = manifest.read(manifest_path)
    work = partial(detect_photo, params=params)
    detections = []
    with locked(detections_path), Rows(cache_dir, "detect") as earlier:
        keys = [_key(photo, params) for photo in photos]
        todo = [photo for photo, key in zip(photos, keys, strict=True) if key not in earlier]
        planned = {photo.id for photo in todo}
        taken_up("detect", len(photos) - len(todo), len(photos), "photos")
        found = ordered_map(work, todo, base.workers, _died, scheduler)
        for photo, key in progress(zip(photos, keys, strict=True), total=len(photos), title="detect", unit="photos"):
            if photo.id in planned:
                detection = next(found)
                if key and detection.status != "unreadable":  # which may be another time
                    earlier[key] = list(astuple(detection)[1:])
            else:
                detection = Detection(photo.id, *earlier[key])
            detections.append(detection)
        tally(detections, photos).refuse_too_many_failures(max_failed_fraction)
        write_table(detections_path, Detection, detections)
    return detections


def tally(detections: Sequence[Detection], photos: Sequence[Photo]) -> Tally:
    """What became of the photos."""
    counts = Tally()
    counts.count((detection.status for detection in detections), photos)
    return counts


def _key(photo: Photo, params: Detect) -> str:
    """Of what decides a detection; empty where that is not known."""
    return key_of(photo.sha256, params.model_dump()) if photo.sha256 and photo.status == "ok" else ""


def _died(photo: Photo) -> Detection:
    return Detection(photo.id, "unreadable", DIED)


def read(path: Path) -> list[Detection]:
    """Read the detections that ``aucue detect`` wrote."""
    return read_table(path, Detection, made_by="detect")


def summary(detections: list[Detection]) -> str:
    """Counts by status, and how many photos show several faces."""
    counts = Counter(detection.status for detection in detections)
    several = sum(detection.faces > 1 for detection in detections)
    text = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    return f"{text}; {several:,} with several faces (the largest is used)"


def detect_photo(photo: Photo, params: Detect) -> Detection:
    """Detect in one photo; never raises for what is wrong with the photo."""
    if photo.status != "ok":
        return Detection(photo.id, photo.status, photo.reason)
    try:
        grey = cv2.cvtColor(read_rgb(photo.path, sha256=photo.sha256), cv2.COLOR_RGB2GRAY)
    except Unreadable as error:
        return Detection(photo.id, error.status, str(error))
    for padding, side in _tries(params):
        boxes, scores = _run(grey, side, padding)
        if len(boxes):
            areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            largest = int(np.argmax(areas))
            box = (round(float(edge), 2) for edge in boxes[largest])
            return Detection(photo.id, "ok", "", *box, score=round(scores[largest], 4), faces=len(boxes))
    return Detection(photo.id, "no_face", "dlib's frontal detector found no face at any size")


def _tries(params: Detect) -> Iterator[tuple[float, int]]:
    """Cheap first: most faces are found at the smallest side. Padding helps only faces that touch the frame."""
    for padding in (0.0, params.padding) if params.padding else (0.0,):
        for side in params.sides:
            yield padding, side


def _run(grey: np.ndarray, side: int, padding: float) -> tuple[np.ndarray, list[float]]:
    """Boxes (n, 4) as left, top, right, bottom in pixels of ``grey``, and their scores, at one size of the photo."""
    border = round(padding * max(grey.shape))
    scale = side / (max(grey.shape) + 2 * border)
    if border:
        grey = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE)
    size = tuple(max(1, round(scale * length)) for length in grey.shape[::-1])
    scaled = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    found, scores, _ = models.detector().run(scaled, 0, 0.0)
    boxes = np.array([[box.left(), box.top(), box.right(), box.bottom()] for box in found], dtype=float).reshape(-1, 4)
    return boxes / scale - border, list(scores)
