"""Stage landmarks: detections in, face shards of aligned crops with their 68 landmarks out.

Landmarks are the iBUG/dlib 68 points, 0-based, (x, y) in crop pixels, origin top left; points outside the crop are kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from pipeline.faces import detections, dlib_models, manifest
from pipeline.faces.decoding import UnreadablePhotoError, read_rgb
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.faces.status_counts import StatusCounts
from pipeline.landmarks import align
from pipeline.landmarks.earlier_faces import NO_KEY, EarlierFaces, Face
from pipeline.landmarks.fit import fit_landmarks
from pipeline.runtime import cache
from pipeline.runtime.cache import ShardCache
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import file_digest, locked
from pipeline.runtime.parallel import DIED, ordered_map
from pipeline.runtime.parameters import Base, Landmarks
from pipeline.runtime.progress import progress, report_resumed
from pipeline.runtime.resumption import completed
from pipeline.runtime.status import Status
from pipeline.shards import ShardWriter
from pipeline.shards.crops import encode_crop

ROOMS = ("pipeline/landmarks", "pipeline/faces", "pipeline/shards")  # whose code decides the output


@dataclass(frozen=True)
class Row:
    """A row of the face shards to be written."""

    photo: Photo
    found: Detection
    key: bytes  # SHA-256 of everything that decides the face, or NO_KEY

    def described(self) -> list[str]:
        """Everything that decides the row, as text."""
        photo, found = self.photo, self.found
        return [photo.id, photo.label, photo.split, photo.subject, photo.aus, found.status, found.reason, self.key.hex()]


def main(
    *,
    base: Base,
    params: Landmarks,
    manifest_path: Path,
    detections_path: Path,
    faces_dir: Path,
    cache_dir: Path | None = None,
    scheduler: str | None = None,
    max_failed_fraction: float = 1.0,
    fallback: Literal["none", "image"] = "none",
) -> StatusCounts:
    """Write the face shards, one row per photo of the manifest in its order.

    Args:
        base: Its ``workers`` processes do the work; its ``shard_size`` is the number of rows in a shard.
        params: How to place landmarks and how to store crops.
        manifest_path: Table of photos to read.
        detections_path: Table of their faces to read.
        faces_dir: Folder of shards to write. An earlier set stays until the new one is complete.
        cache_dir: Folder of finished work: whole shards where nothing in them changed, single faces elsewhere.
        scheduler: Address of a Dask scheduler whose workers do the work instead.
        max_failed_fraction: Largest share of the photos that may fail.
        fallback: ``detect.fallback``. With ``image``, a face whose box gives no trustworthy landmarks is looked for in the
            whole photo.

    Returns:
        How many rows have which status.

    Raises:
        InputError: If the tables do not belong together, the predictor is missing, or too many photos failed.
    """
    rows, provenance, inputs = _rows(params, manifest_path, detections_path, fallback)
    shards = [rows[start : start + base.shard_size] for start in range(0, len(rows), base.shard_size)]
    finished = cache.work_folder(cache_dir, ROOMS)
    work = partial(align_photo, params=params, predictor=_predictor(params), fallback=fallback)
    make_faces = partial(ordered_map, work, workers=base.workers, result_if_died=_died, scheduler=scheduler)
    counts = StatusCounts()
    with (
        locked(faces_dir),
        ShardWriter(faces_dir, "faces", provenance, inputs, finished) as writer,
        progress(None, total=len(rows), title="landmarks", unit="photos") as bar,
    ):
        keys = [writer.key([row.described() for row in shard]) for shard in shards]
        known = writer.finished(["status"])
        new = [row for shard, key in zip(shards, keys, strict=True) if key not in known for row in shard]
        earlier = EarlierFaces(ShardCache(finished, "faces") if new else ())
        _report(rows, sum(row.found.status == Status.OK and row.key not in earlier for row in new))
        compute = partial(_shards_of_faces, earlier=earlier, make_faces=make_faces, bar=bar)
        for (shard, columns, is_new), key in zip(completed(shards, keys, known, compute), keys, strict=True):
            if is_new:
                # An incomplete shard cannot be adopted by a later run, but its faces can.
                writer.write(columns, len(shard), key if _lasting(shard, columns) else writer.key("incomplete", key))
            else:
                bar.update(len(shard))
            counts.count((Status(status) for status in columns["status"]), [row.photo for row in shard])
        counts.refuse_too_many_failures(max_failed_fraction, detections_path)
    return counts


def _rows(
    params: Landmarks, manifest_path: Path, detections_path: Path, fallback: str
) -> tuple[list[Row], dict[str, object], dict[str, object]]:
    """The rows to be, what decides every shard besides its rows, and what the set as a whole is made from."""
    photos, found = manifest.read(manifest_path), detections.read(detections_path)
    if [photo.id for photo in photos] != [detection.id for detection in found]:
        raise InputError(f"{detections_path} does not belong to {manifest_path}: run `aucue detect` again")
    provenance = {
        "stage": "landmarks",
        "crop_size": params.crop_size,
        "encoding": params.encoding,
        "jpeg_quality": params.jpeg_quality,
        "predictor_sha256": file_digest(Path(_predictor(params))),
        "looks": params.max_refinements + 1,  # the parameter's former name: shards keep their bytes
        "fallback": fallback,
    }
    inputs = {"manifest_sha256": file_digest(manifest_path), "detections_sha256": file_digest(detections_path)}
    rows = [Row(photo, face, _key(photo, face, provenance)) for photo, face in zip(photos, found, strict=True)]
    return rows, provenance, inputs


def _predictor(params: Landmarks) -> str:
    return str(dlib_models.predictor_path(params.predictor))


def _report(rows: Sequence[Row], unknown: int) -> None:
    with_face = sum(row.found.status == Status.OK for row in rows)
    report_resumed("landmarks", with_face - unknown, with_face, "faces")


def _shards_of_faces(
    shards: Sequence[Sequence[Row]],
    earlier: EarlierFaces,
    make_faces: Callable[[Sequence[tuple[Photo, Detection]]], Iterator[Face]],
    bar: tqdm,
) -> Iterator[dict[str, np.ndarray | list[str]]]:
    """The columns of every shard, of faces that an earlier run made and of faces that are made now."""

    def compute(unknown: Sequence[Row]) -> Iterator[Face]:
        return make_faces([(row.photo, row.found) for row in unknown])

    found = [row for shard in shards for row in shard if row.found.status == Status.OK]
    faces = completed(found, [row.key for row in found], earlier, compute)
    for shard in shards:
        made = []
        for row in shard:
            is_found = row.found.status == Status.OK
            made.append(next(faces)[1] if is_found else _without_face(row.found.status, row.found.reason))
            bar.update()
        yield _columns(shard, made)


def align_photo(row: tuple[Photo, Detection], params: Landmarks, predictor: str, fallback: str = "none") -> Face:
    """Place the landmarks of one photo's face and cut its crop.

    Args:
        row: The photo and what stage detect found in it.
        params: How to place landmarks and how to store the crop.
        predictor: Path of a 68-point dlib model.
        fallback: With ``image``, the whole photo is tried where the box gives no trustworthy landmarks.

    Returns:
        The face. Anything that is wrong with the photo becomes a status and a reason; nothing is raised for it.
    """
    photo, found = row
    if found.status != Status.OK:
        return _without_face(found.status, found.reason)
    try:
        image = read_rgb(photo.path, sha256=photo.sha256)
    except UnreadablePhotoError as error:
        return _without_face(error.status, str(error))
    height, width = image.shape[:2]
    boxes = [found.box]
    if fallback == "image" and not found.is_whole_photo:
        boxes.append((0.0, 0.0, float(width), float(height)))
    for box in boxes:
        points, reason = fit_landmarks(image, box, predictor, params.max_refinements)
        if not reason:
            break
    else:
        return _without_face(Status.LOW_CONFIDENCE, reason)
    try:
        matrix = align.similarity(points, params.crop_size)
    except ValueError as error:
        return _without_face(Status.PREDICTOR_FAILED, str(error))
    crop = align.crop(image, matrix, params.crop_size)
    encoded = encode_crop(crop, params.encoding, params.jpeg_quality)
    return Face(Status.OK, "", align.transform(points, matrix).astype(np.float32), encoded)


def _without_face(status: str, reason: str) -> Face:
    return Face(status, reason, np.zeros((68, 2), np.float32), np.zeros(0, np.uint8))


def _died(row: tuple[Photo, Detection]) -> Face:
    return _without_face(Status.UNREADABLE, DIED)


def _key(photo: Photo, found: Detection, provenance: Mapping[str, object]) -> bytes:
    """The key of everything that decides a face; NO_KEY where that is not known."""
    if found.status != Status.OK or not photo.sha256:
        return NO_KEY
    return bytes.fromhex(cache.json_digest(provenance, photo.sha256, list(found.box)))


def _lasting(shard: Sequence[Row], columns: Mapping[str, np.ndarray]) -> bool:
    """Whether a later run would make the same faces: a photo that could not be read may be readable then."""
    known = columns["key"].any(axis=1).tolist()
    return all(row.found.status != Status.OK or key for row, key in zip(shard, known, strict=True))


def _columns(shard: Sequence[Row], faces: Sequence[Face]) -> dict[str, np.ndarray | list[str]]:
    names = ("id", "label", "split", "subject", "aus")
    keys = [NO_KEY if face.status == Status.UNREADABLE else row.key for row, face in zip(shard, faces, strict=True)]
    return {
        **{name: [getattr(row.photo, name) for row in shard] for name in names},
        "status": [str(face.status) for face in faces],
        "reason": [face.reason for face in faces],
        "key": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32),
        "landmarks": np.stack([face.landmarks for face in faces]),
        "crop_offsets": np.cumsum([0] + [len(face.crop) for face in faces], dtype=np.int64),
        "crop_bytes": np.concatenate([face.crop for face in faces]),
    }
