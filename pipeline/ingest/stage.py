"""Stage ingest: read a dataset, write one manifest that gives every photo its label, its subject and its split."""

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from pipeline.faces import manifest
from pipeline.faces.manifest import Photo
from pipeline.faces.tables import refuse_foreign_table, write_table
from pipeline.ingest import duplicates, generated_photos, packed_files, splits
from pipeline.ingest.datasets import DatasetSource, NothingFoundError
from pipeline.ingest.duplicates import Duplicate
from pipeline.ingest.labels import check_labels
from pipeline.ingest.outputs_guard import OutputsGuard
from pipeline.runtime.commands.paths import OUTPUTS
from pipeline.runtime.errors import InputError
from pipeline.runtime.garbage import many_rows
from pipeline.runtime.outputs.files import file_digest, locked
from pipeline.runtime.parameters import Base, Ingest
from pipeline.runtime.progress import progress
from pipeline.runtime.workers.parallel import threaded_map

ROOMS = ("pipeline/ingest", "pipeline/faces", "pipeline/shards")  # the folders whose code decides the output


def main(
    *,
    base: Base,
    params: Ingest,
    photos_dir: Path,
    manifest_path: Path,
    check: Callable[[Sequence[Photo]], None] = lambda photos: None,  # noqa: ARG005 (a check of nothing)
) -> list[Photo]:
    """Read the dataset, make the missing splits and write the manifest.

    Args:
        base: Its ``seed`` decides the splits; its ``workers`` read the photos.
        params: The dataset, its labels, and the fractions of the splits.
        photos_dir: Folder for the images of datasets that are made here (demo, ferplus). Other files there stay. The photos
            of the dataset must not lie there, nor in another output.
        manifest_path: Table to write, with ``duplicates.csv`` beside it.
        check: Raises InputError for photos that a later stage would refuse. It is called before the long step, and before
            the manifest is written.

    Returns:
        The rows of the manifest.

    Raises:
        InputError: If the dataset cannot be read, lists no photo, has an unknown label, leaves a split empty, or lies in an
            output.
    """
    if not Path(params.root).is_dir():
        raise InputError(f"ingest.root {params.root!r} is not a folder: give the folder of the {params.dataset} photos")
    refuse_foreign_table(manifest_path, Photo)
    duplicates_path = manifest_path.with_name("duplicates.csv")
    with locked(manifest_path, duplicates_path), many_rows():
        with generated_photos.replaced(photos_dir) as building:  # of an earlier run, if all checks pass
            photos, notes = _read(base, params, photos_dir, building)
            for note in notes:  # they may explain an error that follows
                click.echo(note, err=True)
            photos = splits.assign(photos, params.validation_fraction, params.test_fraction, base.seed)
            manifest.check(photos)  # before the long step
            check(photos)
            photos = generated_photos.moved(_with_digests(photos, base.workers), building, photos_dir)
            copies = duplicates.find(photos)
            if params.drop_cross_split_duplicates:
                photos = duplicates.without_leaks(photos)
                check(photos)
                manifest.check(photos)
        write_table(duplicates_path, Duplicate, copies)
        manifest.write(manifest_path, photos)
        return photos


def _read(base: Base, params: Ingest, photos_dir: Path, building: Path) -> tuple[list[Photo], list[str]]:
    """The photos that the dataset's adapter lists or makes in ``building``, with checked labels, and notes for the user."""
    guard = OutputsGuard((*OUTPUTS, photos_dir))
    guard.refuse_root(params.root)
    photos, notes = _listed(base, params, building)
    guard.refuse_photos(photo for photo in photos if not generated_photos.is_made(photo, building))
    return photos, notes


def _listed(base: Base, params: Ingest, photos_dir: Path) -> tuple[list[Photo], list[str]]:
    adapter = importlib.import_module(f"pipeline.ingest.datasets.{params.dataset}")
    names, rename = params.labels, params.rename
    source = DatasetSource(Path(params.root), photos_dir, names, params.images_per_class, base.seed, base.workers, rename)
    try:
        listed = adapter.read(source)
    except NothingFoundError as error:
        packed = packed_files.describe(source.root)
        raise (InputError(packed) if packed else error) from error
    photos = check_labels(listed, names, getattr(adapter, "LABELS", {}).values(), rename)
    if not photos:
        raise InputError(f"ingest.root {params.root!r} lists no photo: check the folder and ingest.dataset")
    if not any(os.path.exists(photo.path) for photo in photos):  # noqa: PTH110 (Path.exists raises for odd names)
        problem = photos[0].reason or packed_files.describe(source.root) or "check ingest.root"
        raise InputError(f"none of the {len(photos)} photos exists, e.g. {photos[0].path}: {problem}")
    return photos, source.notes


def _with_digests(photos: list[Photo], workers: int | Literal["auto"]) -> list[Photo]:
    digests = threaded_map(_digest, photos, workers)
    pairs = progress(zip(photos, digests, strict=True), total=len(photos), title="ingest", unit="photos")
    return [replace(photo, sha256=digest) for photo, digest in pairs]


def _digest(photo: Photo) -> str:
    """SHA-256 of the file; empty if it cannot be read, for which the later stages give the reason."""
    path = Path(photo.path)
    try:
        return file_digest(path) if path.is_file() else ""
    except OSError:
        return ""
