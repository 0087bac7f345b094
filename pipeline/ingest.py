"""Stage ingest: a dataset becomes one manifest of who, what and which split."""

import importlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline import manifest, splits
from pipeline.datasets import Source
from pipeline.errors import InputError
from pipeline.files import file_digest
from pipeline.manifest import SPLITS, Photo
from pipeline.params import Base, Ingest


def main(base: Base, params: Ingest, photos_dir: Path, manifest_path: Path) -> list[Photo]:
    """Read the dataset, make the missing splits and write the manifest; returns its rows.

    ``photos_dir`` receives the images of datasets that are made here (demo, ferplus); what is there already stays.
    """
    root = Path(params.root)
    if not root.is_dir():
        raise InputError(f"ingest.root {params.root!r} is not a folder: give the folder of the {params.dataset} photos")
    photos_dir.mkdir(parents=True, exist_ok=True)
    adapter = importlib.import_module(f"pipeline.datasets.{params.dataset}")
    source = Source(root, photos_dir, params.labels, params.images_per_class, base.seed, base.workers)
    photos = _check_labels(adapter.read(source), params.labels, getattr(adapter, "LABELS", {}).values())
    if not photos:
        raise InputError(f"ingest.root {params.root!r} lists no photo: check the folder and ingest.dataset")
    if not any(os.path.exists(photo.path) for photo in photos):
        raise InputError(f"none of the {len(photos)} photos exists, e.g. {photos[0].path}: check ingest.root")
    photos = splits.assign(photos, params.validation_fraction, params.test_fraction, base.seed)
    manifest.write(manifest_path, photos)
    return photos


def summary(photos: list[Photo]) -> str:
    """A table of counts, labels down and splits across, and what was excluded and why."""
    counts = Counter((photo.label, photo.split) for photo in photos if photo.status == "ok")
    labels = sorted({label for label, _ in counts})
    lines = [f"{'':12}" + "".join(f"{split:>12}" for split in SPLITS)]
    lines += [f"{label:12}" + "".join(f"{counts[label, split]:12,}" for split in SPLITS) for label in labels]
    excluded = Counter(photo.reason for photo in photos if photo.status != "ok")
    lines += [f"{number:,} excluded: {reason}" for reason, number in sorted(excluded.items())]
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
    possible = list(_possible_copies(usable))
    copies = _in_several_splits((digest, photo.split) for digest, photo in possible)
    if copies:
        ids = [photo.id for digest, photo in possible if digest == copies[0]]
        warnings.append(f"WARNING: {len(copies):,} photos have an identical copy in another split, e.g. {' and '.join(ids)}")
    return warnings


def _in_several_splits(pairs: Iterable[tuple[str, str]]) -> list[str]:
    splits = defaultdict(set)
    for name, split in pairs:
        splits[name].add(split)
    return sorted(name for name, found in splits.items() if len(found) > 1)


def _possible_copies(photos: list[Photo]) -> Iterator[tuple[str, Photo]]:
    """Photos whose size another one has, too, each with the digest of its content."""
    by_size = defaultdict(list)
    for photo in photos:
        if os.path.isfile(photo.path):
            by_size[os.path.getsize(photo.path)].append(photo)
    for group in by_size.values():
        if len({photo.split for photo in group}) > 1:
            yield from ((file_digest(Path(photo.path)), photo) for photo in group)


def _check_labels(photos: list[Photo], labels: tuple[str, ...], known: list[str]) -> list[Photo]:
    checked = []
    for photo in photos:
        if photo.label not in labels and photo.status == "ok":
            if photo.label not in known:
                raise InputError(
                    f"photo {photo.id!r} has the label {photo.label!r}, unknown to ingest.labels"
                    f" ({', '.join(labels)}): mend the label, or add it there and to the codebook"
                )
            photo = replace(photo, status="excluded", reason=f"label {photo.label} is not in ingest.labels")
        checked.append(photo)
    return checked
