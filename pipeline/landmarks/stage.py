"""Stage landmarks: read detections, write face shards of aligned crops with their 68 landmarks.

Landmarks are the iBUG/dlib 68 points, 0-based, (x, y) in crop pixels, origin top left. Points outside the crop are kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from pipeline.faces import manifest
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.faces.status_counts import StatusCounts
from pipeline.landmarks.earlier_faces import NO_KEY, EarlierFaces
from pipeline.landmarks.face import Face, align_photo, crashed_face, failed_face
from pipeline.landmarks.rows import Row, predictor_of, read_rows
from pipeline.runtime.finished_work import cache
from pipeline.runtime.finished_work.cache import ShardCache
from pipeline.runtime.finished_work.resumption import Finished, completed
from pipeline.runtime.outputs.files import locked
from pipeline.runtime.parameters import Base, Landmarks
from pipeline.runtime.progress import SILENT_SECONDS, progress, report_resumed
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import ordered_map
from pipeline.shards import ShardWriter

ROOMS = ("pipeline/landmarks", "pipeline/faces", "pipeline/shards")  # the folders whose code decides the output

Columns = Mapping[str, np.ndarray | list[str]]  # of one face shard, by name


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
        faces_dir: Folder of shards to write. An earlier set stays until the new set is complete.
        cache_dir: Folder of finished work. Unchanged shards are taken from there whole, and the other shards take their
            unchanged faces from there.
        scheduler: Address of a Dask scheduler whose workers do the work instead.
        max_failed_fraction: Largest share of the photos that may fail.
        fallback: ``detect.fallback``. With ``image``, the stage looks for a face in the whole photo if the box gives no
            trustworthy landmarks.

    Returns:
        The number of rows of each status.

    Raises:
        InputError: If the tables do not belong together, the predictor is missing, or too many photos failed.
    """
    rows, provenance, inputs = read_rows(params, manifest_path, detections_path, fallback)
    shards = [rows[start : start + base.shard_size] for start in range(0, len(rows), base.shard_size)]
    work_folder = cache.work_folder(cache_dir, ROOMS)
    predictor = predictor_of(params)
    work = partial(align_photo, params=params, predictor=predictor, fallback=fallback)
    make_faces = partial(_made_faces, work, predictor=predictor, workers=base.workers, scheduler=scheduler)
    counts = StatusCounts()
    bar: tqdm[None]
    with (
        locked(faces_dir, faces_dir.with_name(f"{faces_dir.name}.json")),
        ShardWriter(faces_dir, "faces", provenance, inputs, work_folder) as writer,
        progress(None, total=len(rows), title="landmarks", unit="photos") as bar,
    ):
        listed = progress(shards, total=len(shards), title="landmarks: rows", unit="shards", delay=SILENT_SECONDS)
        keys = [writer.key([row.identity() for row in shard]) for shard in listed]
        finished: Finished[str, Columns] = writer.finished(["status"])
        new = [row for shard, key in zip(shards, keys, strict=True) if key not in finished for row in shard]
        earlier = EarlierFaces(ShardCache(work_folder, "faces") if new else ())
        _report(rows, sum(row.detection.status == Status.OK and row.key not in earlier for row in new))
        compute = partial(_shards_of_faces, earlier=earlier, make_faces=make_faces, bar=bar)
        for (shard, columns, is_new), key in zip(completed(shards, keys, finished, compute), keys, strict=True):
            if is_new:
                # A later run cannot adopt an incomplete shard, but it can take the shard's faces.
                writer.write(columns, len(shard), key if _is_complete(shard, columns) else writer.key("incomplete", key))
            else:
                bar.update(len(shard))
            counts.count(map(str, columns["status"]), [row.photo for row in shard])
        counts.refuse_too_many_failures(max_failed_fraction, detections_path)
    return counts


def _made_faces(
    work: Callable[[tuple[Photo, Detection]], Face],
    pairs: Sequence[tuple[Photo, Detection]],
    predictor: str,
    workers: int | Literal["auto"],
    scheduler: str | None,
) -> Iterator[Face]:
    """The faces of photos, made by processes or by the workers of a scheduler."""
    files: list[str] = []
    if scheduler:
        photos, files = manifest.for_cluster([photo for photo, _ in pairs])
        files.append(predictor)
        pairs = list(zip(photos, [detection for _, detection in pairs], strict=True))
    return ordered_map(work, pairs, workers, crashed_face, scheduler, files)


def _report(rows: Sequence[Row], missing: int) -> None:
    with_face = sum(row.detection.status == Status.OK for row in rows)
    report_resumed("landmarks", with_face - missing, with_face, "faces")


def _shards_of_faces(
    shards: Sequence[Sequence[Row]],
    earlier: EarlierFaces,
    make_faces: Callable[[Sequence[tuple[Photo, Detection]]], Iterator[Face]],
    bar: "tqdm[None]",
) -> Iterator[Columns]:
    """The columns of every shard, from the faces of earlier runs and from the faces that are made now."""

    def compute(missing: Sequence[Row]) -> Iterator[Face]:
        return make_faces([(row.photo, row.detection) for row in missing])

    with_face = [row for shard in shards for row in shard if row.detection.status == Status.OK]
    faces = completed(with_face, [row.key for row in with_face], earlier, compute)
    for shard in shards:
        made = []
        for row in shard:
            has_face = row.detection.status == Status.OK
            made.append(next(faces)[1] if has_face else failed_face(row.detection.status, row.detection.reason))
            bar.update()
        yield _columns(shard, made)


def _columns(shard: Sequence[Row], faces: Sequence[Face]) -> Columns:
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


def _is_complete(shard: Sequence[Row], columns: Columns) -> bool:
    """Whether a later run would make the same faces: a photo that could not be read may be readable by then."""
    has_key = np.any(np.asarray(columns["key"]), axis=1)
    return all(row.detection.status != Status.OK or key for row, key in zip(shard, has_key.tolist(), strict=True))
