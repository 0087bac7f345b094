"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box, or tables like it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.clutter import is_of_tool
from pipeline.ingest.datasets.common.csv_table.rows import box_of, given, rows
from pipeline.ingest.datasets.common.faces_of_photos import with_own_ids
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.passed_over import unlisted_line
from pipeline.ingest.datasets.csv.columns import guess_header, take_synonyms
from pipeline.ingest.datasets.csv.photos_below import PhotosBelow
from pipeline.ingest.datasets.csv.split_columns import refuse_unclear_splits
from pipeline.ingest.datasets.csv.tables import Table, find_tables
from pipeline.ingest.split_names import split_of
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.status import Status

NO_LABEL = {"nan", "null", "n/a"}  # as programs write a missing value; "none" is a label of AffectNet
COLUMNS = ("image", "label", "subject", "split", "box")


@dataclass(frozen=True)
class Places:
    """Where the photos of a table are.

    Attributes:
        root: Folder that their ids are relative to.
        base: Folder of the table, which their paths are relative to.
        below: All photos below ``ingest.root``.
    """

    root: Path
    base: Path
    below: PhotosBelow


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per row, in file order. A photo may have several rows, one for each face, with different boxes.

    The column ``image`` is a path, relative to the root or absolute. The column ``box`` is the face's box as
    ``left top right bottom`` in pixels of the upright photo; if it is empty, stage detect looks for the face.

    Raises:
        InputError: If the table cannot be read, has a column that looks like a misspelt known column, or gives a face twice.
    """
    tables = find_tables(source)
    root = tables[0].path.parent if len(tables) == 1 else source.root
    below = PhotosBelow(source.root)
    photos = [row for table in tables for row in _photos_in(table, root, below, source.notes)]
    source.notes.extend(below.notes())
    names = " and ".join(sorted({table.path.name for table in tables}))
    unlisted = below.unlisted({photo.path for _, photo in photos})
    source.notes.extend(unlisted_line(unlisted, f"{names} does not name them"))
    refuse_unclear_splits(photos)
    faces = _with_splits_of_folders(with_own_ids(photos), source.notes)
    return validation_as_test(faces, root, source.notes)


def _photos_in(table: Table, root: Path, below: PhotosBelow, notes: list[str]) -> list[tuple[str, Photo]]:
    """File and line, and photo, of each row of a table. The ids of the photos are relative to the root."""
    path, base = table.path, table.path.parent
    lines = rows(path, filled=("image",), present=("label",), optional=COLUMNS[2:], guess=partial(guess_header, base))
    if not any(row["label"] for _, row in lines):
        raise InputError(f"{path} gives no photo a label: fill in the column label")
    broken = next((where for where, row in lines if "\n" in row["label"]), None)
    if broken:
        raise InputError(f"{broken}: the label has a line break: close the quotation mark that is open before this line")
    take_synonyms(path, lines)
    _, first = lines[0]
    _refuse_misspelt(path, first)
    _report_unread(path, first)
    places = Places(root, base, below)
    photos = [(where, _photo(row | {"split": row.get("split", "") or table.split}, where, places)) for where, row in lines]
    notes.extend(_foreign_line([(row["image"], photo) for (_, row), (_, photo) in zip(lines, photos, strict=True)]))
    return photos


def _with_splits_of_folders(photos: list[Photo], notes: list[str]) -> list[Photo]:
    """Take the splits from the photos' folders, if the table gives none and every photo lies in a folder of a split."""
    if any(photo.split for photo in photos):
        return photos
    splits = [_splits_around(Path(photo.id)) for photo in photos]
    are_known = all(len(found) == 1 for found in splits)
    if not are_known or len(set().union(*splits)) == 1:
        return photos
    notes.append("the table gives no splits: those of the photos' folders are taken")
    return [replace(photo, split=found.pop()) for photo, found in zip(photos, splits, strict=True)]


def _splits_around(file: Path) -> set[str]:
    """The splits that the folders around a file are named after."""
    return {split_of(part) for part in file.parts[:-1]} & set(SPLITS)


def _photo(row: dict[str, str], where: str, places: Places) -> Photo:
    written, root, split = row["image"], places.root, split_of(given(row.get("split", "")))
    found = written_paths.find_existing(places.base, written)
    others = [] if found or written_paths.is_foreign(written) else places.below.find(written, places.base)
    others = [file for file in others if split in _splits_around(file)] or others
    file = found or (others[0] if len(others) == 1 else places.base / written)
    is_inside = file.is_relative_to(root) and not Path(written).is_absolute()
    photo = Photo(
        id=(file.relative_to(root) if is_inside else file).as_posix(),
        path=file.as_posix(),
        label="" if row["label"].casefold() in NO_LABEL else row["label"],
        split=split,
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


def _foreign_line(pairs: list[tuple[str, Photo]]) -> list[str]:
    """Say how many paths of other machines were found by their last parts; no line without any."""
    found = [
        f"{text} is {photo.path}" for text, photo in pairs if photo.status == Status.OK and written_paths.is_foreign(text)
    ]
    return [f"{len(found):,} paths of another machine are found by their last parts, e.g. {found[0]}"] if found else []


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
