"""``aucue verify``: is everything that the stages wrote whole, sound, and made from what lies beside it?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import detect, manifest
from pipeline.crops import decode_crop
from pipeline.errors import InputError
from pipeline.files import file_digest
from pipeline.manifest import Photo
from pipeline.progress import progress
from pipeline.shard_files import COLUMNS, INDEX
from pipeline.shards import ShardSet

STATUSES = {
    "ok", "excluded", "no_face", "multi_face", "unreadable", "too_large", "low_confidence", "predictor_failed"
}  # fmt: skip
FARTHEST = 2.0  # crops, that a landmark may lie outside of its own


@dataclass(frozen=True)
class Finding:
    """What was checked, and what is wrong with it; nothing, if it is sound."""

    path: Path
    text: str
    is_sound: bool


def main(folder: Path) -> Iterator[Finding]:
    """Check the outputs in ``folder`` that exist, in the order that the stages wrote them."""
    checks: list[tuple[str, Callable[[Path], Iterator[Finding]]]] = [
        ("manifest.csv", _manifest),
        ("detections.csv", _detections),
        ("faces", _faces),
        ("heatmaps", _heatmaps),
    ]
    found = [(folder / name, check) for name, check in checks if (folder / name).exists()]
    if not found:
        raise InputError(f"{folder} holds nothing that the stages write: give their folder, or run `dvc repro`")
    for path, check in found:
        try:
            yield from check(path)
        except InputError as error:
            yield Finding(path, str(error), is_sound=False)


def _manifest(path: Path) -> Iterator[Finding]:
    photos = manifest.read(path)
    manifest.check(photos)
    yield Finding(path, f"{len(photos):,} photos", is_sound=True)


def _detections(path: Path) -> Iterator[Finding]:
    found = detect.read(path)
    unknown = sorted({detection.status for detection in found} - STATUSES)
    if unknown:
        yield _bad(path, f"has the status {unknown[0]!r}, which no stage gives", "detect")
    elif [detection.id for detection in found] != [photo.id for photo in _photos(path)]:
        yield _bad(path, "does not have the manifest's photos in its order", "detect")
    else:
        yield Finding(path, f"{len(found):,} photos", is_sound=True)


def _faces(path: Path) -> Iterator[Finding]:
    faces = ShardSet(path, "faces")
    problems = 0
    for table in ("manifest", "detections"):
        beside = path.with_name(f"{table}.csv")
        if beside.exists() and faces.stamp.get(f"{table}_sha256") != file_digest(beside):
            problems += 1
            yield _bad(path, f"was not made from {beside}", "landmarks")
    for file, problem in _shards(faces, _face_problem):
        problems += 1
        yield _bad(file, problem, "landmarks")
    if not problems:
        columns = faces.columns("id", "label", "split")
        photos = _photos(path)
        rows = list(zip(*(columns[name].tolist() for name in ("id", "label", "split")), strict=True))
        if photos and rows != [(photo.id, photo.label, photo.split) for photo in photos]:
            yield _bad(path, "does not have the manifest's photos in its order", "landmarks")
        else:
            yield Finding(path, f"{len(faces):,} faces in {len(faces.shards):,} shards", is_sound=True)


def _heatmaps(path: Path) -> Iterator[Finding]:
    maps = ShardSet(path, "heatmaps", "class_heatmaps")
    problems = 0
    beside = path.with_name("faces")
    if (beside / INDEX).exists():
        faces = ShardSet(beside, "faces")
        if maps.stamp.get("faces_sha256") != faces.digest() or [shard.rows for shard in maps.shards] != [
            shard.rows for shard in faces.shards
        ]:
            problems += 1
            yield _bad(path, f"was not rendered from {beside}", "heatmaps")
    for file, problem in _shards(maps, _map_problem):
        problems += 1
        yield _bad(file, problem, "heatmaps")
    if not problems:
        yield Finding(path, f"{len(maps):,} rows in {len(maps.shards):,} shards", is_sound=True)


def _shards(shards: ShardSet, problem_of: Callable[[dict[str, np.ndarray], dict], str]) -> Iterator[tuple[Path, str]]:
    """What is wrong with which file of a set: each is read as a whole."""
    for number in progress(range(len(shards.shards)), total=len(shards.shards), title=shards.folder.name, unit="shards"):
        file = shards.folder / shards.shards[number].file
        try:
            problem = problem_of(shards.shard(number, list(COLUMNS[shards.kind])), shards.stamp)
        except InputError as error:
            problem = str(error).removeprefix(f"{file} ").split(": run")[0]
        if problem:
            yield file, problem


def _face_problem(columns: dict[str, np.ndarray], stamp: dict) -> str:
    side, ok = stamp["crop_size"], columns["status"] == "ok"
    lengths = np.diff(columns["crop_offsets"])
    points = columns["landmarks"]
    unknown = sorted(set(columns["status"].tolist()) - STATUSES)
    if unknown:
        return f"has the status {unknown[0]!r}, which no stage gives"
    if ((lengths > 0) != ok).any():
        return "has a face without a crop, or a crop without a face"
    if not np.isfinite(points).all() or (np.abs(points[ok] - side / 2) > (FARTHEST + 0.5) * side).any():
        return "has landmarks far outside of the crop"
    for row in np.flatnonzero(ok):
        start, end = columns["crop_offsets"][row : row + 2]
        crop = decode_crop(columns["crop_bytes"][start:end], stamp.get("encoding", "jpeg"))
        if crop is None or crop.shape != (side, side, 3):
            return f"row {row} holds no crop of {side} x {side} pixels"
    return ""


def _map_problem(columns: dict[str, np.ndarray], stamp: dict) -> str:
    maps, has_map = columns["maps"], columns["has_map"]
    if maps.shape[-2:] != (stamp["size"],) * 2:
        return f"has maps of {maps.shape[-1]} cells, not {stamp['size']}"
    highest, lowest = maps.max(axis=(-2, -1)), maps.min(axis=(-2, -1))
    if (highest[has_map] != 255).any() or (lowest[has_map] != 0).any():
        return "has a map that does not reach from 0 to 255"
    return "has a map where there should be none" if highest[~has_map].any() else ""


def _photos(path: Path) -> list[Photo]:
    """Of the manifest beside a file; none, where there is none."""
    beside = path.with_name("manifest.csv")
    return manifest.read(beside) if beside.exists() else []


def _bad(path: Path, problem: str, stage: str) -> Finding:
    return Finding(path, f"{problem}: run `aucue {stage}` again", is_sound=False)
