"""Stage landmarks: 68 points per face, alignment, and face shards of crops with landmarks in crop pixels.

Landmarks are the iBUG/dlib 68 points, 0-based, (x, y), origin top left; points outside the crop are kept as they are.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pipeline import align, detect, manifest, models
from pipeline.detect import Detection
from pipeline.errors import InputError
from pipeline.files import file_digest
from pipeline.manifest import Photo
from pipeline.params import Base, Landmarks
from pipeline.photos import Unreadable, read_rgb
from pipeline.progress import progress
from pipeline.shards import ShardWriter
from pipeline.workers import ordered_map


@dataclass(frozen=True)
class Face:
    """One row of a face shard."""

    photo: Photo
    status: str
    reason: str
    landmarks: np.ndarray  # (68, 2) float32, crop pixels; zeros unless status is ok
    crop: bytes  # JPEG; empty unless status is ok


def main(base: Base, params: Landmarks, manifest_path: Path, detections_path: Path, faces_dir: Path) -> Counter[str]:
    """Write the face shards, one row per photo of the manifest in its order; returns how many rows have which status."""
    photos, detections = manifest.read(manifest_path), detect.read(detections_path)
    if [photo.id for photo in photos] != [detection.id for detection in detections]:
        raise InputError(f"{detections_path} does not belong to {manifest_path}: run `aucue detect` again")
    predictor = models.predictor_path(params.predictor)
    stamp = {
        "stage": "landmarks",
        "crop_size": params.crop_size,
        "jpeg_quality": params.jpeg_quality,
        "predictor_sha256": file_digest(predictor),
        "manifest_sha256": file_digest(manifest_path),
        "detections_sha256": file_digest(detections_path),
    }
    work = partial(align_photo, params=params, predictor=str(predictor))
    faces = ordered_map(work, list(zip(photos, detections, strict=True)), base.workers)
    statuses: Counter[str] = Counter()
    pending: list[Face] = []
    with ShardWriter(faces_dir, "faces", stamp) as writer:
        for face in progress(faces, total=len(photos), title="landmarks", unit="photos"):
            statuses[face.status] += 1
            pending.append(face)
            if len(pending) == base.shard_size:
                writer.write(_columns(pending), len(pending))
                pending.clear()
        if pending:
            writer.write(_columns(pending), len(pending))
    return statuses


def align_photo(row: tuple[Photo, Detection], params: Landmarks, predictor: str) -> Face:
    """Landmarks and crop of one photo; never raises for what is wrong with the photo."""
    photo, found = row
    if found.status != "ok":
        return _without_face(photo, found.status, found.reason)
    try:
        image = read_rgb(photo.path)
    except Unreadable as error:
        return _without_face(photo, error.status, str(error))
    points = models.predict(image, (found.left, found.top, found.right, found.bottom), predictor)
    try:
        matrix = align.similarity(points, params.crop_size)
    except ValueError as error:
        return _without_face(photo, "predictor_failed", str(error))
    crop = align.crop(image, matrix, params.crop_size)
    encoded, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, params.jpeg_quality]
    )
    if not encoded:
        raise RuntimeError(f"OpenCV could not encode the crop of {photo.path} as JPEG")
    return Face(photo, "ok", "", align.transform(points, matrix).astype(np.float32), jpeg.tobytes())


def _without_face(photo: Photo, status: str, reason: str) -> Face:
    return Face(photo, status, reason, np.zeros((68, 2), np.float32), b"")


def _columns(faces: list[Face]) -> dict[str, np.ndarray | list[str]]:
    return {
        **{name: [getattr(face.photo, name) for face in faces] for name in ("id", "label", "split", "subject", "aus")},
        "status": [face.status for face in faces],
        "reason": [face.reason for face in faces],
        "landmarks": np.stack([face.landmarks for face in faces]),
        "crop_offsets": np.cumsum([0] + [len(face.crop) for face in faces], dtype=np.int64),
        "crop_bytes": np.frombuffer(b"".join(face.crop for face in faces), dtype=np.uint8),
    }
