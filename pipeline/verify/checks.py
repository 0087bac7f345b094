"""Check that the outputs of the stages from ingest to heatmaps are complete and undamaged, and that they belong together.

A table or a shard set belongs to the files beside it if it was made from them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np

from pipeline.faces import detections, manifest
from pipeline.faces.detections import Detection
from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status
from pipeline.shards import ShardError, ShardSet
from pipeline.shards.crops import decode_crop
from pipeline.shards.errors import MADE_BY
from pipeline.shards.files import COLUMNS
from pipeline.shards.index import INDEX

STATUSES = {status.value for status in Status}
MAX_OUTSIDE = 2.0  # sides of the crop: how far outside the crop a landmark may lie


@dataclass(frozen=True)
class Finding:
    """The result of a check: a problem, or that there is none."""

    path: Path  # the file or folder
    text: str  # the problem and the stage to run again; the size of the output if it is sound
    is_sound: bool


def main(folder: Path) -> Iterator[Finding]:
    """Check the outputs that exist in a folder, in the order of the stages.

    Args:
        folder: Folder of the stages' outputs, ``data`` by default.

    Yields:
        For each output all problems, or one finding that it is sound.

    Raises:
        InputError: If the folder holds no output.
    """
    checks = {"manifest.csv": _manifest, "detections.csv": _detections, "faces": _faces, "heatmaps": _heatmaps}
    outputs = {folder / name: check for name, check in checks.items() if (folder / name).exists()}
    if not folder.exists():
        raise InputError(f"{folder} does not exist: give the folder of the stages' outputs, or run `dvc repro`")
    if not outputs:
        raise InputError(f"{folder} holds nothing that the stages write: give their folder, or run `dvc repro`")
    read_manifest = cache(manifest.read)  # for all checks
    for path, check in outputs.items():
        is_sound = True
        try:
            size, problems = check(path, read_manifest)
            for problem in problems:
                is_sound = False
                yield problem
        except InputError as error:
            is_sound = False
            yield Finding(path, str(error), is_sound)
        if is_sound:
            yield Finding(path, size, is_sound)


Check = tuple[str, Iterator[Finding]]  # the size of an output, and its problems
ReadManifest = Callable[[Path], list[Photo]]


def _manifest(path: Path, read_manifest: ReadManifest) -> Check:
    photos = read_manifest(path)
    manifest.check(photos)
    return f"{len(photos):,} photos", iter(())


def _detections(path: Path, read_manifest: ReadManifest) -> Check:
    rows = detections.read(path)
    return f"{len(rows):,} photos", _detection_problems(path, rows, read_manifest)


def _detection_problems(path: Path, rows: list[Detection], read_manifest: ReadManifest) -> Iterator[Finding]:
    unknown = sorted({detection.status for detection in rows} - STATUSES)
    if unknown:
        yield _bad(path, f"has the status {unknown[0]!r}, which no stage gives", "detect")
    photos = _photos(path, read_manifest)
    if photos and _differ((detection.id for detection in rows), (photo.id for photo in photos)):
        yield _bad(path, "does not have the manifest's photos in its order", "detect")


def _faces(path: Path, read_manifest: ReadManifest) -> Check:
    faces = ShardSet(path, "faces")
    return _size(faces), chain(_face_set_problems(path, faces, read_manifest), _shards(faces, _face_problem))


def _face_set_problems(path: Path, faces: ShardSet, read_manifest: ReadManifest) -> Iterator[Finding]:
    for table in ("manifest", "detections"):
        beside = path.with_name(f"{table}.csv")
        if beside.exists() and faces.provenance.get(f"{table}_sha256") != file_digest(beside):
            yield _bad(path, f"was not made from {beside}", "landmarks")
            return
    names = ("id", "label", "split")
    try:
        columns = faces.columns(*names)
    except InputError:  # the check of the shard reports it
        return
    photos = _photos(path, read_manifest)
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    if photos and _differ(rows, ((photo.id, photo.label, photo.split) for photo in photos)):
        yield _bad(path, "does not have the manifest's photos in its order", "landmarks")


def _heatmaps(path: Path, _: ReadManifest) -> Check:
    maps = ShardSet(path, "heatmaps", "class_heatmaps")
    return _size(maps), chain(_map_set_problems(path, maps), _shards(maps, _map_problem))


def _map_set_problems(path: Path, maps: ShardSet) -> Iterator[Finding]:
    beside = path.with_name("faces")
    if (beside / INDEX).exists():
        faces = ShardSet(beside, "faces")
        rows = [[shard.rows for shard in shards.shards] for shards in (faces, maps)]
        if maps.provenance.get("faces_sha256") != faces.digest() or rows[0] != rows[1]:
            yield _bad(path, f"was not rendered from {beside}", "heatmaps")


def _size(shards: ShardSet) -> str:
    return f"{len(shards):,} rows in {len(shards.shards):,} shards"


def _shards(shards: ShardSet, problem_of: Callable[[dict[str, np.ndarray], dict], str]) -> Iterator[Finding]:
    """The problems of a set's files. Each file is read as a whole."""
    for number in progress(range(len(shards.shards)), total=len(shards.shards), title=shards.folder.name, unit="shards"):
        file = shards.folder / shards.shards[number].file
        try:
            problem = problem_of(shards.shard(number, list(COLUMNS[shards.kind])), shards.provenance)
        except ShardError as error:  # its fix need not be to make the shard again
            yield Finding(file, f"{error.problem}: {error.fix}", is_sound=False)
            continue
        if problem:
            yield _bad(file, problem, MADE_BY[shards.kind])


def _face_problem(columns: dict[str, np.ndarray], provenance: dict) -> str:
    side, ok = provenance["crop_size"], columns["status"] == Status.OK
    lengths = np.diff(columns["crop_offsets"])
    points = columns["landmarks"]
    unknown = sorted(set(columns["status"].tolist()) - STATUSES)
    if unknown:
        return f"has the status {unknown[0]!r}, which no stage gives"
    if ((lengths > 0) != ok).any():
        return "has a face without a crop, or a crop without a face"
    if not np.isfinite(points).all() or (np.abs(points[ok] - side / 2) > (MAX_OUTSIDE + 0.5) * side).any():
        return "has landmarks far outside of the crop"
    for row in np.flatnonzero(ok):
        start, end = columns["crop_offsets"][row : row + 2]
        crop = decode_crop(columns["crop_bytes"][start:end], provenance.get("encoding", "jpeg"))
        if crop is None or crop.shape != (side, side, 3):
            return f"row {row} holds no crop of {side} x {side} pixels"
    return ""


def _map_problem(columns: dict[str, np.ndarray], provenance: dict) -> str:
    maps, has_map = columns["maps"], columns["has_map"]
    if maps.shape[-2:] != (provenance["size"],) * 2:
        return f"has maps of {maps.shape[-1]} cells, not {provenance['size']}"
    highest, lowest = maps.max(axis=(-2, -1)), maps.min(axis=(-2, -1))
    if (highest[has_map] != 255).any() or (lowest[has_map] != 0).any():
        return "has a map that does not reach from 0 to 255"
    return "has a map where there should be none" if highest[~has_map].any() else ""


def _photos(path: Path, read_manifest: ReadManifest) -> list[Photo]:
    """The photos of the manifest beside a file; an empty list if there is no manifest."""
    beside = path.with_name("manifest.csv")
    return read_manifest(beside) if beside.exists() else []


def _differ(some: Iterable[object], others: Iterable[object]) -> bool:
    """Whether two long sequences differ, without a list of either."""
    return any(one != other for one, other in zip_longest(some, others))


def _bad(path: Path, problem: str, stage: str) -> Finding:
    return Finding(path, f"{problem}: run `aucue {stage}` again", is_sound=False)
