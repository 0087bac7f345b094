"""Stage detect: read the manifest, write one row per photo with the face's box or the reason why there is none."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.detect.face_search import Detections, levels, search
from pipeline.faces import boxes, detections, manifest
from pipeline.faces.boxes import Box
from pipeline.faces.detections import GIVEN, WHOLE_PHOTO, Detection
from pipeline.faces.headers import UnreadablePhotoError
from pipeline.faces.manifest import Photo
from pipeline.faces.picture import Picture, read_picture
from pipeline.faces.tables import refuse_foreign_table
from pipeline.runtime.finished_work.cache import RowCache, json_digest, work_folder
from pipeline.runtime.finished_work.resumption import completed
from pipeline.runtime.outputs.files import locked
from pipeline.runtime.parameters import Base, Detect
from pipeline.runtime.progress import SILENT_SECONDS, progress, report_resumed
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import DIED, ordered_map

ROOMS = ("pipeline/detect", "pipeline/faces")  # the folders whose code decides the output
MOST_EXAMPLES = 3  # of photos that cannot be read, in the summary


def main(
    *,
    base: Base,
    params: Detect,
    manifest_path: Path,
    detections_path: Path,
    cache_dir: Path | None = None,
    scheduler: str | None = None,
    max_failed_fraction: float = 1.0,
) -> list[Detection]:
    """Detect a face in every photo of the manifest and write the detections.

    Args:
        base: Its ``workers`` processes do the work.
        params: How to look for faces.
        manifest_path: Table of photos to read.
        detections_path: Table to write.
        cache_dir: Folder of finished work. Detections of earlier runs are taken from there, photo by photo.
        scheduler: Address of a Dask scheduler whose workers do the work instead.
        max_failed_fraction: Largest share of the photos that may fail.

    Returns:
        The written rows, in the order of the manifest.

    Raises:
        InputError: If the manifest cannot be read, or too many photos failed.
    """
    refuse_foreign_table(detections_path, Detection)
    photos = manifest.read(manifest_path)
    listed = progress(photos, total=len(photos), title="detect: keys", unit="photos", delay=SILENT_SECONDS)
    keys = [row_key(photo, params) for photo in listed]
    detected = []
    counts_path = detections_path.with_suffix(".json")
    with locked(detections_path, counts_path), RowCache(work_folder(cache_dir, ROOMS), "detect") as finished:
        report_resumed("detect", sum(key in finished for key in keys), len(photos), "photos")
        compute = partial(_rows, params=params, workers=base.workers, scheduler=scheduler)
        rows = progress(completed(photos, keys, finished, compute), total=len(photos), title="detect", unit="photos")
        for (photo, row, is_new), key in zip(rows, keys, strict=True):
            detected.append(Detection(photo.id, *row))
            if is_new and key and detected[-1].status != Status.UNREADABLE:  # a later run may be able to read it
                finished.keep(key, row)
        detections.write(detections_path, detected)
        detections.count_statuses(detected, photos).refuse_too_many_failures(max_failed_fraction, detections_path)
    return detected


def _rows(photos: Sequence[Photo], params: Detect, workers: int | Literal["auto"], scheduler: str | None) -> Iterator[list]:
    """The photos' detections as plain rows without ids, the form in which the cache keeps them."""
    work = partial(detect_photo, params=params)
    photos, files = manifest.for_cluster(photos) if scheduler else (photos, [])
    detected = ordered_map(work, photos, workers, _died, scheduler, files)
    return (list(astuple(detection)[1:]) for detection in detected)


def row_key(photo: Photo, params: Detect) -> str:
    """Return the key of everything that decides a detection.

    It is empty if the photo's content is unknown or the photo is excluded.
    """
    if not photo.sha256 or photo.status != Status.OK:
        return ""
    return json_digest(photo.sha256, photo.box, params.model_dump())


def _died(photo: Photo) -> Detection:
    return Detection(photo.id, Status.UNREADABLE, DIED)


def summarise(rows: Sequence[Detection]) -> str:
    """Describe the detections in lines of text: counts by status and by level, and the first photos that cannot be read."""
    counts = Counter(detection.status for detection in rows)
    several = sum(detection.faces > 1 for detection in rows)
    statuses = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    by_level = Counter(detection.level for detection in rows if detection.status == Status.OK)
    at = ", ".join(f"{level} {number:,}" for level, number in by_level.most_common())
    lines = [f"{statuses}; {several:,} with several faces", f"found at: {at or 'no level'}"]
    unread = [detection for detection in rows if detection.status in (Status.UNREADABLE, Status.TOO_LARGE)]
    lines += [f"{detection.status}: {detection.id}: {detection.reason}" for detection in unread[:MOST_EXAMPLES]]
    if len(unread) > MOST_EXAMPLES:
        lines.append(f"and {len(unread) - MOST_EXAMPLES:,} more: the column reason names the reason of each")
    return "\n".join(lines)


def detect_photo(photo: Photo, params: Detect) -> Detection:
    """Detect the face in one photo.

    Returns:
        The photo's row. A problem with the photo becomes a status and a reason and raises nothing.
    """
    if photo.status != Status.OK:
        return Detection(photo.id, photo.status, photo.reason)
    try:
        return detect_face(photo, read_picture(photo.path, photo.sha256), params)
    except UnreadablePhotoError as error:
        return Detection(photo.id, error.status, str(error))


def detect_face(photo: Photo, picture: Picture, params: Detect) -> Detection:
    """Detect the face in a photo that has been read already.

    Raises:
        UnreadablePhotoError: If the picture is a large photo that turns out to be damaged.
    """
    detection = _detection(photo, picture, params)
    if detection.status == Status.OK and (reason := boxes.smallness(detection.box, picture.size)):
        return Detection(photo.id, Status.LOW_CONFIDENCE, reason, faces=detection.faces, level=detection.level)
    return detection


def _detection(photo: Photo, picture: Picture, params: Detect) -> Detection:
    """The given box, the face that the search finds, or the whole photo."""
    if photo.box:
        return _given(photo.id, photo.box, picture.size)
    faces = search(picture, levels(params))
    if faces is not None:
        return _chosen(photo.id, faces, picture.size, params.on_multiple)
    if params.fallback == "image":
        width, height = picture.size
        return Detection(photo.id, Status.OK, "", 0.0, 0.0, float(width), float(height), level=WHOLE_PHOTO)
    return Detection(photo.id, Status.NO_FACE, f"no face at any level ({params.detector})")


def _given(name: str, box: Box, size: tuple[int, int]) -> Detection:
    """The dataset's own box, unless its centre lies outside the photo."""
    (x, y), (width, height) = boxes.centre(box), size
    if not (0 <= x <= width and 0 <= y <= height):
        given = boxes.format_box(box)
        reason = f"the given box {given} lies outside of the photo of {width} x {height} pixels"
        return Detection(name, Status.LOW_CONFIDENCE, reason)
    return Detection(name, Status.OK, "", *box, faces=1, level=GIVEN)


def _chosen(name: str, faces: Detections, size: tuple[int, int], policy: str) -> Detection:
    """The face that the policy chooses. Of equal faces it is the face with the higher score."""
    number = len(faces.boxes)
    if policy == "fail" and number > 1:
        reason = f"{number} faces, and detect.on_multiple is fail"
        return Detection(name, Status.MULTI_FACE, reason, faces=number, level=faces.level)
    middle = np.array(size) / 2

    def merit(face: int) -> tuple[float, float]:
        box, score = faces.boxes[face], faces.scores[face]
        match policy:
            case "largest":
                return boxes.area(box), score
            case "central":
                return -float(np.hypot(*(boxes.centre(box) - middle))), score
            case _:
                return score, 0.0

    best = max(range(number), key=merit)
    left, top, right, bottom = (round(edge, 2) for edge in faces.boxes[best])
    score = round(faces.scores[best], 4)
    return Detection(name, Status.OK, "", left, top, right, bottom, score, number, faces.level)
