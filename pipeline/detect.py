"""Stage detect: one row per photo with the face's box, or the reason there is none.

Boxes are in pixels of the upright photo, origin top left, and may reach beyond its frame.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import boxes, manifest
from pipeline.cache import Rows
from pipeline.cache import key as key_of
from pipeline.cascade import Found, levels, search
from pipeline.files import locked
from pipeline.manifest import Photo
from pipeline.params import Base, Detect
from pipeline.photos import Unreadable, read_rgb
from pipeline.progress import progress, taken_up
from pipeline.statuses import Tally
from pipeline.tables import read_table, write_table
from pipeline.workers import DIED, ordered_map

UNREAD = ("unreadable", "too_large")
NAMED = 3  # of the photos that cannot be read


@dataclass(frozen=True)
class Detection:
    """What was found in one photo.

    Of several faces ``detect.on_multiple`` chooses one; ``faces`` counts those seen at the ``level`` that found it: one of
    pipeline/cascade.py, as ``padded 128``, or ``given`` for a box of the dataset, or ``image`` for the whole photo.
    """

    id: str
    status: str  # ok | excluded | unreadable | too_large | no_face | multi_face | low_confidence
    reason: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    score: float = 0.0  # of the detector: a margin, higher is surer; 0 for boxes that no detector found
    faces: int = 0
    level: str = ""


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
        write_table(detections_path, Detection, detections)
        tally(detections, photos).refuse_too_many_failures(max_failed_fraction, detections_path)
    return detections


def tally(detections: Sequence[Detection], photos: Sequence[Photo]) -> Tally:
    """What became of the photos."""
    counts = Tally()
    counts.count((detection.status for detection in detections), photos)
    return counts


def _key(photo: Photo, params: Detect) -> str:
    """Of what decides a detection; empty where that is not known."""
    return key_of(photo.sha256, photo.box, params.model_dump()) if photo.sha256 and photo.status == "ok" else ""


def _died(photo: Photo) -> Detection:
    return Detection(photo.id, "unreadable", DIED)


def read(path: Path) -> list[Detection]:
    """Read the detections that ``aucue detect`` wrote."""
    return read_table(path, Detection, made_by="detect")


def summary(detections: list[Detection]) -> str:
    """Counts by status, how many photos show several faces, at which levels faces were found, and the first photos that
    cannot be read."""
    counts = Counter(detection.status for detection in detections)
    several = sum(detection.faces > 1 for detection in detections)
    text = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    at = Counter(detection.level for detection in detections if detection.status == "ok")
    found = ", ".join(f"{level} {number:,}" for level, number in at.most_common())
    lines = [f"{text}; {several:,} with several faces", f"found at: {found or 'no level'}"]
    unread = [detection for detection in detections if detection.status in UNREAD]
    lines += [f"{detection.status}: {detection.id}: {detection.reason}" for detection in unread[:NAMED]]
    if len(unread) > NAMED:
        lines.append(f"and {len(unread) - NAMED:,} more: the column reason names every one's")
    return "\n".join(lines)


def detect_photo(photo: Photo, params: Detect) -> Detection:
    """Detect in one photo; never raises for what is wrong with the photo."""
    if photo.status != "ok":
        return Detection(photo.id, photo.status, photo.reason)
    try:
        image = read_rgb(photo.path, sha256=photo.sha256)
    except Unreadable as error:
        return Detection(photo.id, error.status, str(error))
    if photo.box:
        return _given(photo, image.shape)
    found = search(image, levels(params))
    if found is not None:
        return _chosen(photo, found, image.shape, params.on_multiple)
    if params.fallback == "image":
        height, width = image.shape[:2]
        return Detection(photo.id, "ok", "", 0.0, 0.0, float(width), float(height), level="image")
    return Detection(photo.id, "no_face", f"no face at any level ({params.detector})")


def _given(photo: Photo, shape: tuple[int, ...]) -> Detection:
    box = boxes.parse(photo.box)
    (x, y), (height, width) = boxes.centre(box), shape[:2]
    if not (0 <= x <= width and 0 <= y <= height):
        reason = f"the given box {photo.box} lies outside of the photo of {width} x {height} pixels"
        return Detection(photo.id, "low_confidence", reason)
    return Detection(photo.id, "ok", "", *box, faces=1, level="given")


def _chosen(photo: Photo, found: Found, shape: tuple[int, ...], policy: str) -> Detection:
    """The face that the policy chooses of those found; of equals the surer one."""
    number = len(found.boxes)
    if policy == "fail" and number > 1:
        reason = f"{number} faces, and detect.on_multiple is fail"
        return Detection(photo.id, "multi_face", reason, faces=number, level=found.level)
    middle = np.array([shape[1] / 2, shape[0] / 2])

    def merit(face: int) -> tuple[float, float]:
        box, score = found.boxes[face], found.scores[face]
        match policy:
            case "largest":
                return boxes.area(box), score
            case "central":
                return -float(np.hypot(*(boxes.centre(box) - middle))), score
            case _:
                return score, 0.0

    chosen = max(range(number), key=merit)
    box = (round(edge, 2) for edge in found.boxes[chosen])
    return Detection(photo.id, "ok", "", *box, score=round(found.scores[chosen], 4), faces=number, level=found.level)
