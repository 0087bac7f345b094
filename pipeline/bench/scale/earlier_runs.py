"""The finished work of earlier runs, written into the cache as those runs would have left it.

So the commands meet a cache that holds as many rows as there are photos, and work on no photo anew.
"""

import shutil
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from pipeline.bench.scale.source_faces import SourceFace
from pipeline.detect import stage as detect
from pipeline.faces import manifest
from pipeline.faces.detections import GIVEN, Detection
from pipeline.landmarks import stage as landmarks
from pipeline.landmarks.rows import Row, read_rows
from pipeline.runtime.commands import paths
from pipeline.runtime.finished_work.cache import RowCache, work_folder
from pipeline.runtime.parameters import Params
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status
from pipeline.shards import ShardWriter

EARLIER_SHARD_SIZE = 500  # rows; other than base.shard_size, so that every shard is made anew from these faces


def keep_detections(folder: Path, params: Params) -> None:
    """Keep the detection of every photo of a manifest.

    Args:
        folder: Folder of a dataset whose ``aucue ingest`` has run.
        params: The parameters of its commands.
    """
    photos = manifest.read(folder / paths.MANIFEST)
    with RowCache(work_folder(folder / paths.CACHE, detect.ROOMS), "detect") as finished:
        for photo in progress(photos, total=len(photos), title="earlier detections", unit="photos"):
            left, top, right, bottom = photo.box or (0.0, 0.0, 0.0, 0.0)
            found = Detection(photo.id, Status.OK, "", left, top, right, bottom, faces=1, level=GIVEN)
            finished.keep(detect.row_key(photo, params.detect), list(astuple(found)[1:]))


def keep_faces(folder: Path, params: Params, sources: Sequence[SourceFace]) -> None:
    """Keep the face of every photo, in shards of another size than the commands write.

    Args:
        folder: Folder of a dataset whose ``aucue detect`` has run.
        params: The parameters of its commands.
        sources: The faces that the photos repeat.
    """
    tables = folder / paths.MANIFEST, folder / paths.DETECTIONS
    rows, provenance, _ = read_rows(params.landmarks, *tables, params.detect.fallback)
    work = work_folder(folder / paths.CACHE, landmarks.ROOMS)
    starts = range(0, len(rows), EARLIER_SHARD_SIZE)
    earlier = folder / "earlier"
    with ShardWriter(earlier, "faces", provenance, work_folder=work) as writer:
        for start in progress(starts, total=len(starts), title="earlier faces", unit="shards"):
            shard = rows[start : start + EARLIER_SHARD_SIZE]
            faces = [sources[(start + place) % len(sources)] for place in range(len(shard))]
            writer.write(_columns(shard, faces), len(shard), writer.key("earlier", start))
    shutil.rmtree(earlier)  # the cache has the files, too


def _columns(rows: Sequence[Row], faces: Sequence[SourceFace]) -> dict[str, np.ndarray | list[str]]:
    return {
        **{name: [getattr(row.photo, name) for row in rows] for name in ("id", "label", "split", "subject", "aus")},
        **{name: [getattr(row.detection, name) for row in rows] for name in ("status", "reason")},
        "key": np.frombuffer(b"".join(row.key for row in rows), np.uint8).reshape(-1, 32),
        "landmarks": np.stack([face.landmarks for face in faces]),
        "crop_offsets": np.cumsum([0] + [len(face.jpeg) for face in faces], dtype=np.int64),
        "crop_bytes": np.frombuffer(b"".join(face.jpeg for face in faces), np.uint8),
    }
