"""Stage ingest: a dataset becomes one manifest of who, what and which split."""

import importlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal

from pipeline.faces import manifest
from pipeline.faces.manifest import SPLITS, Photo
from pipeline.faces.tables import write_table
from pipeline.ingest import duplicates, splits
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.duplicates import Duplicate
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.files import file_digest, locked
from pipeline.runtime.parallel import threaded_map
from pipeline.runtime.parameters import Base, Ingest
from pipeline.runtime.progress import progress

ROOMS = ("pipeline/ingest", "pipeline/faces")  # whose code decides the output
NAMED = 3  # of copies of a photo


def main(*, base: Base, params: Ingest, photos_dir: Path, manifest_path: Path) -> list[Photo]:
    """Read the dataset, make the missing splits and write the manifest; returns its rows.

    ``photos_dir`` receives the images of datasets that are made here (demo, ferplus); what is there already stays.
    """
    if not Path(params.root).is_dir():
        raise InputError(f"ingest.root {params.root!r} is not a folder: give the folder of the {params.dataset} photos")
    with locked(manifest_path):
        return _ingest(base, params, photos_dir, manifest_path)


def _ingest(base: Base, params: Ingest, photos_dir: Path, manifest_path: Path) -> list[Photo]:
    root = Path(params.root)
    photos_dir.mkdir(parents=True, exist_ok=True)
    adapter = importlib.import_module(f"pipeline.ingest.datasets.{params.dataset}")
    source = DatasetSource(root, photos_dir, params.labels, params.images_per_class, base.seed, base.workers)
    photos = _check_labels(adapter.read(source), params.labels, getattr(adapter, "LABELS", {}).values())
    if not photos:
        raise InputError(f"ingest.root {params.root!r} lists no photo: check the folder and ingest.dataset")
    if not any(os.path.exists(photo.path) for photo in photos):
        raise InputError(f"none of the {len(photos)} photos exists, e.g. {photos[0].path}: check ingest.root")
    photos = splits.assign(photos, params.validation_fraction, params.test_fraction, base.seed)
    manifest.check(photos)  # before the long step
    photos = _with_digests(photos, base.workers)
    found = duplicates.find(photos)
    if params.drop_cross_split_duplicates:
        photos = duplicates.without_leaks(photos)
    write_table(manifest_path.with_name("duplicates.csv"), Duplicate, found)
    manifest.write(manifest_path, photos)
    return photos


def _with_digests(photos: list[Photo], workers: int | Literal["auto"]) -> list[Photo]:
    digests = threaded_map(_digest, photos, workers)
    shown = progress(zip(photos, digests, strict=True), total=len(photos), title="ingest", unit="photos")
    return [replace(photo, sha256=digest) for photo, digest in shown]


def _digest(photo: Photo) -> str:
    """SHA-256 of the file; empty where it cannot be read, which the stages that decode it will say."""
    path = Path(photo.path)
    try:
        return file_digest(path) if path.is_file() else ""
    except OSError:
        return ""


def summary(photos: list[Photo]) -> str:
    """A table of counts, labels down and splits across, and what was excluded and why."""
    counts = Counter((photo.label, photo.split) for photo in photos if photo.status == "ok")
    labels = sorted({label for label, _ in counts})
    lines = [f"{'':12}" + "".join(f"{split:>12}" for split in SPLITS)]
    lines += [f"{label:12}" + "".join(f"{counts[label, split]:12,}" for split in SPLITS) for label in labels]
    excluded = Counter(photo.reason for photo in photos if photo.status != "ok")
    lines += [f"{number:,} excluded: {reason}" for reason, number in sorted(excluded.items())]
    missing = [photo.path for photo in photos if photo.status == "ok" and photo.path and not photo.sha256]
    if missing:
        lines.append(f"WARNING: {len(missing):,} photos cannot be read, e.g. {missing[0]}: detect says why")
    lines += leaks(photos)
    return "\n".join(lines)


def leaks(photos: list[Photo]) -> list[str]:
    """Warnings of what is in more than one split: subjects, and photos with the same bytes."""
    usable = [photo for photo in photos if photo.status == "ok"]
    warnings = []
    if not any(photo.subject for photo in usable):
        warnings.append(
            "WARNING: no photo names its subject: a person may be in several splits (a csv's subject column tells)"
        )
    subjects = _in_several_splits((photo.subject, photo.split) for photo in usable if photo.subject)
    if subjects:
        warnings.append(f"WARNING: {len(subjects):,} subjects are in more than one split, e.g. {subjects[0]}")
    by_problem = attrgetter("problem")
    for problem, copies in groupby(sorted(duplicates.find(usable), key=by_problem), key=by_problem):
        found = list(copies)
        same = [copy.id for copy in found if copy.sha256 == found[0].sha256]
        same = same if len(same) <= NAMED else [*same[:NAMED], f"{len(same) - NAMED:,} more"]
        warnings.append(
            f"WARNING: {len(found):,} photos have the same bytes as others, {problem}, e.g. {' and '.join(same)}: "
            "duplicates.csv lists them"
        )
    return warnings


def _in_several_splits(pairs: Iterable[tuple[str, str]]) -> list[str]:
    splits = defaultdict(set)
    for name, split in pairs:
        splits[name].add(split)
    return sorted(name for name, found in splits.items() if len(found) > 1)


def _check_labels(photos: list[Photo], labels: tuple[str, ...], known: list[str]) -> list[Photo]:
    checked = []
    for photo in photos:
        if photo.label not in labels and photo.status == "ok":
            if photo.label not in known:
                label = closest_name(photo.label, labels)
                mend = f"write {label} if that is meant" if label else "mend the label"
                raise InputError(
                    f"photo {photo.id!r} has the label {photo.label!r}, unknown to ingest.labels "
                    f"({', '.join(labels)}): {mend}, or add it there and to the codebook"
                )
            photo = replace(photo, status="excluded", reason=f"label {photo.label} is not in ingest.labels")
        checked.append(photo)
    return checked
