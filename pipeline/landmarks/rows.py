"""The rows of the face shards that are to be written, each with the key of everything that decides its face."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.faces import detections, dlib_models, manifest
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.landmarks.earlier_faces import NO_KEY
from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work import cache
from pipeline.runtime.garbage import many_rows
from pipeline.runtime.outputs.files import file_digest, model_digest
from pipeline.runtime.parameters import Landmarks
from pipeline.runtime.progress import SILENT_SECONDS, progress
from pipeline.runtime.status import Status


@dataclass(frozen=True, slots=True)  # a million of them fit in memory
class Row:
    """A row of the face shards that are to be written."""

    photo: Photo
    detection: Detection
    key: bytes  # SHA-256 of everything that decides the face, or NO_KEY

    def identity(self) -> list[str]:
        """List, as text, everything that decides the row."""
        photo, detection = self.photo, self.detection
        return [
            *(photo.id, photo.label, photo.split, photo.subject, photo.aus),
            *(detection.status, detection.reason, self.key.hex()),
        ]


def read_rows(
    params: Landmarks, manifest_path: Path, detections_path: Path, fallback: str
) -> tuple[list[Row], dict[str, object], dict[str, object]]:
    """Read the tables that the shards are made from.

    Args:
        params: How to place landmarks and how to store crops.
        manifest_path: Table of photos.
        detections_path: Table of their faces.
        fallback: ``detect.fallback``.

    Returns:
        The rows to write, in the manifest's order; the provenance that decides every shard besides its rows; and the digests
        of the set's inputs.

    Raises:
        InputError: If a table cannot be read, the tables do not belong together, or the predictor is missing.
    """
    photos, detected = manifest.read(manifest_path), detections.read(detections_path)
    if [photo.id for photo in photos] != [detection.id for detection in detected]:
        raise InputError(f"{detections_path} does not belong to {manifest_path}: run `aucue detect` again")
    provenance: dict[str, object] = {
        "stage": "landmarks",
        "crop_size": params.crop_size,
        "encoding": params.encoding,
        "jpeg_quality": params.jpeg_quality,
        "predictor_sha256": model_digest(Path(predictor_of(params))),
        "looks": params.max_refinements + 1,  # the parameter's former name: shards keep their bytes
        "fallback": fallback,
    }
    inputs: dict[str, object] = {
        "manifest_sha256": file_digest(manifest_path),
        "detections_sha256": file_digest(detections_path),
    }
    pairs = zip(photos, detected, strict=True)
    listed = progress(pairs, total=len(photos), title="landmarks: keys", unit="photos", delay=SILENT_SECONDS)
    with many_rows():
        rows = [Row(photo, detection, _key(photo, detection, provenance)) for photo, detection in listed]
    return rows, provenance, inputs


def predictor_of(params: Landmarks) -> str:
    """Return the absolute path of the landmark model."""
    return os.path.abspath(dlib_models.predictor_path(params.predictor))  # noqa: PTH100 (links stay)


def _key(photo: Photo, detection: Detection, provenance: Mapping[str, object]) -> bytes:
    """The key of everything that decides a face; NO_KEY if the photo's content is unknown or there is no face."""
    if detection.status != Status.OK or not photo.sha256:
        return NO_KEY
    return bytes.fromhex(cache.json_digest(provenance, photo.sha256, list(detection.box)))
