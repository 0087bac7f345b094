"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.clutter import is_clutter, is_of_tool
from pipeline.ingest.datasets.common.csv_table.rows import box_of, given, rows
from pipeline.ingest.datasets.common.faces_of_photos import with_own_ids
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.passed_over import unlisted_line
from pipeline.ingest.datasets.csv.columns import guess_header, take_synonyms
from pipeline.ingest.datasets.csv.photos_below import PhotosBelow
from pipeline.ingest.splits import split_of
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.status import Status

COLUMNS = ("image", "label", "subject", "split", "box")
TABLES = {".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods"}  # suffixes of files that a message names
MOST_TABLES = 5


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per row, in file order. A photo may have several rows, one for each face, with different boxes.

    The column ``image`` is a path, relative to the root or absolute. The column ``box`` is the face's box as
    ``left top right bottom`` in pixels of the upright photo; if it is empty, stage detect looks for the face.

    Raises:
        InputError: If the table cannot be read, has a column that looks like a misspelt known column, or gives a face twice.
    """
    path = _find_table(source)
    root = path.parent
    table = rows(path, filled=("image",), present=("label",), optional=COLUMNS[2:], guess=partial(guess_header, root))
    if not any(row["label"] for _, row in table):
        raise InputError(f"{path} gives no photo a label: fill in the column label")
    take_synonyms(path, table)
    _, first = table[0]
    _refuse_misspelt(path, first)
    _report_unread(path, first)
    below = PhotosBelow(source.root)
    photos = [(where, _photo(root, row, where, below)) for where, row in table]
    _note_foreign(source, [(row["image"], photo) for (_, row), (_, photo) in zip(table, photos, strict=True)])
    source.notes.extend(below.notes())
    source.notes.extend(
        unlisted_line(below.unlisted({photo.path for _, photo in photos}), f"{path.name} does not name them")
    )
    faces = _with_splits_of_folders(with_own_ids(photos), source.notes)
    return validation_as_test(faces, root, source.notes)


def _with_splits_of_folders(photos: list[Photo], notes: list[str]) -> list[Photo]:
    """Take the splits from the photos' folders, if the table gives none and every photo lies in a folder of a split."""
    if any(photo.split for photo in photos):
        return photos
    splits = [{split_of(part) for part in Path(photo.id).parts[:-1]} & set(SPLITS) for photo in photos]
    are_known = all(len(found) == 1 for found in splits)
    if not are_known or len(set().union(*splits)) == 1:
        return photos
    notes.append("the table gives no splits: those of the photos' folders are taken")
    return [replace(photo, split=found.pop()) for photo, found in zip(photos, splits, strict=True)]


def _find_table(source: DatasetSource) -> Path:
    """Find labels.csv in the root, or in the only folder there that holds such a table."""
    root = source.root
    path = written_paths.find(root, "labels.csv")
    if path.is_file():
        return path
    deeper = [table for table in sorted(root.glob("*/labels.csv")) if not is_clutter(table.parent.name)]
    if len(deeper) == 1:
        source.notes.append(f"the table is {deeper[0]}, so its folder counts as the root")
        return deeper[0]
    tables = sorted(file.name for file in root.iterdir() if file.suffix.lower() in TABLES and not is_clutter(file.name))
    others = [table.relative_to(root).as_posix() for table in deeper] + tables
    seen = f": {root} holds {', '.join(others[:MOST_TABLES])}" if others else ""
    problem = "is a folder and no table" if path.is_dir() else "does not exist"
    raise InputError(f"{path} {problem}: check ingest.root and ingest.dataset{seen}")


def _photo(root: Path, row: dict[str, str], where: str, below: PhotosBelow) -> Photo:
    written = row["image"]
    found = written_paths.find_existing(root, written)
    others = [] if found or written_paths.is_foreign(written) else below.find(written, root)
    file = found or (others[0] if len(others) == 1 else root / written)
    is_inside = file.is_relative_to(root) and not Path(written).is_absolute()
    photo = Photo(
        id=(file.relative_to(root) if is_inside else file).as_posix(),
        path=file.as_posix(),
        label=row["label"],
        split=split_of(given(row.get("split", ""))),
        subject=given(row.get("subject", "")),
        box=box_of(row.get("box", ""), where),
    )
    tools = [part for part in (file.relative_to(root).parts if is_inside else [file.name]) if is_of_tool(part)]
    if tools:
        return replace(photo, status=Status.EXCLUDED, reason=f"{tools[0]} is a name that tools and systems give")
    if not photo.label:
        return replace(photo, status=Status.EXCLUDED, reason="no label")
    if len(others) > 1:
        reason = f"{len(others)} photos have this name: write the path relative to labels.csv"
        return replace(photo, status=Status.UNREADABLE, reason=reason)
    if not found and written_paths.is_foreign(written):
        reason = f"{written} is a path of another machine: write it relative to labels.csv"
        return replace(photo, status=Status.UNREADABLE, reason=reason)
    return photo


def _note_foreign(source: DatasetSource, pairs: list[tuple[str, Photo]]) -> None:
    """Note how many paths of other machines were found by their last parts."""
    found = [
        f"{text} is {photo.path}" for text, photo in pairs if photo.status == Status.OK and written_paths.is_foreign(text)
    ]
    if found:
        source.notes.append(f"{len(found):,} paths of another machine are found by their last parts, e.g. {found[0]}")


def _refuse_misspelt(path: Path, names: Collection[str]) -> None:
    """Raise InputError for a column that is probably a misspelt optional column.

    Otherwise aucue would make splits, or detect boxes, that the table gives.
    """
    absent = [column for column in COLUMNS if column not in names]
    for name in names:
        column = None if name in COLUMNS else closest_name(name, absent)
        if column:
            raise InputError(f"{path} has the column {name!r}: write {column}, or rename it if it is not meant to be read")


def _report_unread(path: Path, names: Collection[str]) -> None:
    unread = [repr(name) for name in names if name not in COLUMNS and name.strip()]
    if unread:
        click.echo(f"{path}: not read: {', '.join(unread)} (columns that are read: {', '.join(COLUMNS)})", err=True)
