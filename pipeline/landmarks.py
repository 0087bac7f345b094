"""Stage landmarks: 68 points per face, alignment, and face shards of crops with landmarks in crop pixels.

Landmarks are the iBUG/dlib 68 points, 0-based, (x, y), origin top left; points outside the crop are kept as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import align, cache, detect, manifest, models, plausible
from pipeline.boxes import Box
from pipeline.cache import Pages
from pipeline.crops import encode_crop
from pipeline.detect import Detection
from pipeline.errors import InputError
from pipeline.files import file_digest, locked
from pipeline.manifest import Photo
from pipeline.params import Base, Landmarks
from pipeline.photos import Unreadable, read_rgb
from pipeline.progress import progress, taken_up
from pipeline.shards import ShardWriter
from pipeline.shards.files import read_page
from pipeline.statuses import Tally
from pipeline.workers import DIED, ordered_map

NO_KEY = bytes(32)  # of a row that nothing of an earlier run is used for


@dataclass(frozen=True)
class Face:
    """What is made of one photo."""

    status: str
    reason: str
    landmarks: np.ndarray  # (68, 2) float32, crop pixels; zeros unless status is ok
    crop: np.ndarray  # (n,) uint8, encoded; empty unless status is ok


@dataclass(frozen=True)
class Row:
    """A row of the face shards to be: ``key`` is the SHA-256 of all that decides its face."""

    photo: Photo
    found: Detection
    key: bytes

    def described(self) -> list[str]:
        """All that decides the row."""
        photo, found = self.photo, self.found
        return [photo.id, photo.label, photo.split, photo.subject, photo.aus, found.status, found.reason, self.key.hex()]


def main(
    base: Base,
    params: Landmarks,
    manifest_path: Path,
    detections_path: Path,
    faces_dir: Path,
    cache_dir: Path | None = None,
    scheduler: str | None = None,
    max_failed_fraction: float = 1.0,
    fallback: str = "none",
) -> Tally:
    """Write the face shards, one row per photo of the manifest in its order; returns how many rows have which status.

    What an earlier run finished is taken from ``cache_dir``: whole shards where nothing in them changed, faces elsewhere.
    ``fallback`` is ``detect.fallback``: with ``image``, a face whose box gives no landmarks to trust is looked for in the
    whole photo. Raises InputError if a larger share of the photos than ``max_failed_fraction`` failed; an earlier set then
    stays.
    """
    photos, detections = manifest.read(manifest_path), detect.read(detections_path)
    if [photo.id for photo in photos] != [detection.id for detection in detections]:
        raise InputError(f"{detections_path} does not belong to {manifest_path}: run `aucue detect` again")
    predictor = models.predictor_path(params.predictor)
    stamp = {
        "stage": "landmarks",
        "crop_size": params.crop_size,
        "encoding": params.encoding,
        "jpeg_quality": params.jpeg_quality,
        "predictor_sha256": file_digest(predictor),
        "looks": params.looks,
        "fallback": fallback,
    }
    whole = {"manifest_sha256": file_digest(manifest_path), "detections_sha256": file_digest(detections_path)}
    rows = [Row(photo, found, _key(photo, found, stamp)) for photo, found in zip(photos, detections, strict=True)]
    shards = [rows[start : start + base.shard_size] for start in range(0, len(rows), base.shard_size)]
    work = partial(align_photo, params=params, predictor=str(predictor), fallback=fallback)
    statuses = Tally()
    with (
        locked(faces_dir),
        ShardWriter(faces_dir, "faces", stamp, whole, cache_dir) as writer,
        progress(None, total=len(rows), title="landmarks", unit="photos") as bar,
    ):
        keys = [writer.key([row.described() for row in shard]) for shard in shards]
        new = [row for shard, key in zip(shards, keys, strict=True) if not writer.has(key) for row in shard]
        earlier = EarlierFaces(Pages(cache_dir, "faces") if new else ())
        todo = [(row.photo, row.found) for row in new if row.found.status == "ok" and row.key not in earlier]
        planned = {photo.id for photo, _ in todo}
        with_face = sum(row.found.status == "ok" for row in rows)
        taken_up("landmarks", with_face - len(todo), with_face, "faces")
        made = ordered_map(work, todo, base.workers, _died, scheduler)
        for shard, key in zip(shards, keys, strict=True):
            columns = writer.adopt(key, ["status"])
            if columns is None:
                faces = []
                for row in shard:
                    is_made = row.photo.id in planned
                    faces.append(next(made) if is_made else earlier.face(row.key) or work((row.photo, row.found)))
                    bar.update()
                columns = _columns(shard, faces)
                # An incomplete shard cannot be adopted, but its faces can.
                writer.write(columns, len(shard), key if _lasting(shard, columns) else writer.key("incomplete", key))
            else:
                bar.update(len(shard))
            statuses.count(map(str, columns["status"]), [row.photo for row in shard])
        statuses.refuse_too_many_failures(max_failed_fraction, detections_path)
    return statuses


def align_photo(row: tuple[Photo, Detection], params: Landmarks, predictor: str, fallback: str = "none") -> Face:
    """Landmarks and crop of one photo; never raises for what is wrong with the photo."""
    photo, found = row
    if found.status != "ok":
        return _without_face(found.status, found.reason)
    try:
        image = read_rgb(photo.path, sha256=photo.sha256)
    except Unreadable as error:
        return _without_face(error.status, str(error))
    height, width = image.shape[:2]
    boxes = [(found.left, found.top, found.right, found.bottom)]
    if fallback == "image" and found.level != "image":
        boxes.append((0.0, 0.0, float(width), float(height)))
    for box in boxes:
        points, fault = place(image, box, predictor, params.looks)
        if not fault:
            break
    else:
        return _without_face("low_confidence", fault)
    try:
        matrix = align.similarity(points, params.crop_size)
    except ValueError as error:
        return _without_face("predictor_failed", str(error))
    crop = align.crop(image, matrix, params.crop_size)
    encoded = encode_crop(crop, params.encoding, params.jpeg_quality)
    return Face("ok", "", align.transform(points, matrix).astype(np.float32), encoded)


def place(image: np.ndarray, box: Box, predictor: str, looks: int) -> tuple[np.ndarray, str]:
    """Landmarks (68, 2) of the face in ``box``, in pixels of ``image`` (h, w, 3), and why they cannot be trusted, if so.

    The predictor looks again, in the box that fits the landmarks it found, until they stay. So they depend little on whose
    box it was: where a box is the whole photo their error falls by a third, and in a box without a face they rarely settle.
    One look is taken at its word.
    """
    points = models.predict(image, box, predictor)
    if looks == 1:
        return points, plausible.fault(points, box)
    for _ in range(looks - 1):
        if fault := plausible.fault(points, box):
            return points, fault
        before, box = points, plausible.box_around(points)
        points = models.predict(image, box, predictor)
        if plausible.disagreement(before, points) < plausible.SETTLED:
            return points, plausible.fault(points, box)
    return points, f"landmarks did not settle in {looks} looks: probably no face, or hardly visible"


def _without_face(status: str, reason: str) -> Face:
    return Face(status, reason, np.zeros((68, 2), np.float32), np.zeros(0, np.uint8))


def _died(row: tuple[Photo, Detection]) -> Face:
    return _without_face("unreadable", DIED)


class EarlierFaces:
    """Faces in the finished shards of earlier runs, by key: photos may have come, gone or changed places since."""

    def __init__(self, pages: Iterable[Path]) -> None:
        self._pages = list(pages)
        self._places: dict[bytes, tuple[int, int]] = {}
        self._read: tuple[int, dict[str, np.ndarray]] = -1, {}  # the page that was read last
        for number in range(len(self._pages)):
            for row, key in enumerate(self._columns(number, ["key"]).get("key", ())):
                self._places[key.tobytes()] = number, row
        self._places.pop(NO_KEY, None)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def face(self, key: bytes) -> Face | None:
        """None if there is none, or its page turns out to be damaged."""
        number, row = self._places.get(key, (-1, 0))
        if number < 0:
            return None
        if self._read[0] != number:
            self._read = number, self._columns(number, ["status", "reason", "landmarks", "crop_offsets", "crop_bytes"])
        columns = self._read[1]
        if not columns:
            return None
        start, end = columns["crop_offsets"][row : row + 2]
        return Face(
            str(columns["status"][row]),
            str(columns["reason"][row]),
            columns["landmarks"][row],
            columns["crop_bytes"][start:end],
        )

    def _columns(self, number: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Nothing, if the page is damaged."""
        try:
            return read_page(self._pages[number], "faces", names)
        except InputError:
            return {}


def _key(photo: Photo, found: Detection, stamp: Mapping[str, object]) -> bytes:
    if found.status != "ok" or not photo.sha256:
        return NO_KEY
    return bytes.fromhex(cache.key(stamp, photo.sha256, [found.left, found.top, found.right, found.bottom]))


def _lasting(shard: Sequence[Row], columns: Mapping[str, np.ndarray]) -> bool:
    """Whether a later run would make the same of these photos: not, where one could not be read this time."""
    known = columns["key"].any(axis=1).tolist()
    return all(row.found.status != "ok" or key for row, key in zip(shard, known, strict=True))


def _columns(shard: Sequence[Row], faces: Sequence[Face]) -> dict[str, np.ndarray | list[str]]:
    names = ("id", "label", "split", "subject", "aus")
    keys = [NO_KEY if face.status == "unreadable" else row.key for row, face in zip(shard, faces, strict=True)]
    return {
        **{name: [getattr(row.photo, name) for row in shard] for name in names},
        "status": [face.status for face in faces],
        "reason": [face.reason for face in faces],
        "key": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32),
        "landmarks": np.stack([face.landmarks for face in faces]),
        "crop_offsets": np.cumsum([0] + [len(face.crop) for face in faces], dtype=np.int64),
        "crop_bytes": np.concatenate([face.crop for face in faces]),
    }
