"""AffectNet's older layout: ``training.csv`` and ``validation.csv``, which may give the face's box, and folders of photos.

The published archives have the tables in ``Manually_Annotated_file_lists/``, the photos in ``Manually_Annotated_Images/``;
copies keep them in other folders, or all photos in one folder. So the photos are looked for. ``validation.csv`` may lack its
header line, and a row of ``training.csv`` has the box ``NULL``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from pipeline.faces.boxes import Box
from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.affectnet.numbers import refuse_numbers_from_1
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.csv_table.lines import SEPARATORS
from pipeline.ingest.datasets.common.csv_table.rows import given, rows
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.runtime.progress import progress

PATH, EXPRESSION = "subDirectory_filePath", "expression"
BOX = ("face_x", "face_y", "face_width", "face_height")
COLUMNS = (PATH, *BOX, "facial_landmarks", EXPRESSION, "valence", "arousal")
NAMES = {"train": ("training.csv", "manually_training.csv"), "test": ("validation.csv", "manually_validation.csv")}
COMMON_NAMES = {"train": ("train.csv",), "test": ("val.csv", "valid.csv")}  # of copies, and of other tables
AUTOMATIC = "automatically_annotated.csv"
LONGEST = 10_000  # characters of a line; the landmarks are long
SAMPLE = 20  # rows by which the folder of the photos is recognised


@dataclass(frozen=True)
class Place:
    """Where the photos of a table are."""

    folder: Path
    is_flat: bool  # all photos are in this folder, without the folders that the table names


def find(tree: Tree, folder: Path) -> dict[str, Path] | None:
    """Return the tables of ``train`` and ``test``, of which one at least is in ``folder``; None if there are none."""
    tables = {split: _table(tree, folder, split) for split in NAMES}
    return tree.complete(tables, lambda split, other: _table(tree, other, split))


def find_automatic(tree: Tree, folder: Path) -> dict[str, Path] | None:
    """Return the table of photos that a network labelled, as ``train``; None if it is not in the folder."""
    table = tree.file(folder, AUTOMATIC)
    return {"train": table} if table else None


def photos_of(tree: Tree, tables: Mapping[str, Path], names: ClassNames) -> list[Photo]:
    """List the photos of the tables, in the order of their rows.

    Raises:
        InputError: If a table cannot be read, or most of its rows cannot be used.
    """
    photos = PhotoList()
    for split, table in tables.items():
        _add_table(photos, tree, table, split, names)
    listed = photos.finish()
    tree.report_unlisted(photo.path for photo in listed)
    for folder in tree.below():
        automatic = tree.file(folder, AUTOMATIC)
        if automatic and automatic not in tables.values():
            tree.notes.append(f"not read: {automatic}, whose labels are those of a network")
    return listed


def _table(tree: Tree, folder: Path, split: str) -> Path | None:
    common = (tree.file(folder, name) for name in COMMON_NAMES[split])
    return tree.file(folder, *NAMES[split]) or next((table for table in common if table and _is_published(table)), None)


def _is_published(table: Path) -> bool:
    """Whether a table has the published columns, with or without a header line."""
    with table.open(encoding="utf-8-sig", errors="replace") as stream:
        line = stream.readline(LONGEST)
    has_header = all(column.casefold() in line.casefold() for column in (PATH, EXPRESSION))
    fields = max((line.split(separator) for separator in SEPARATORS if separator != ";"), key=len)
    return has_header or (len(fields) == len(COLUMNS) and bool(PurePath(fields[0].strip(' "')).suffix))


def _add_table(photos: PhotoList, tree: Tree, table: Path, split: str, names: ClassNames) -> None:
    lines = rows(table, filled=(), present=(PATH, EXPRESSION), optional=BOX, published=COLUMNS)
    if split == "train":
        refuse_numbers_from_1(table, "expressions", {row[EXPRESSION] for _, row in lines}, names)
    place = _find_photos(tree, table.parent, [row[PATH] for _, row in lines if row[PATH]])
    without_box = 0
    for where, row in progress(lines, total=len(lines), title="ingest", unit="rows"):
        if not row[PATH]:
            photos.add_unusable(Photo(Path(where).name, "", "", split, ""), where, ValueError(f"{PATH} is empty"))
            continue
        path = (_photo(tree, place, row[PATH]) or place.folder / row[PATH]).as_posix()
        try:
            label, box = names.name_of(row[EXPRESSION]), _box(row)
        except ValueError as error:
            photos.add_unusable(Photo(row[PATH], path, "", split, subject=""), where, error)
            continue
        without_box += box is None and _box_is_null(row)
        photos.add(Photo(row[PATH], path, label, split, subject="", box=box))
    if without_box:
        tree.notes.append(f"{table}: {without_box:,} rows have no box (NULL): detect looks for the face")


def _find_photos(tree: Tree, lists: Path, written: list[str]) -> Place:
    """The place with most of a sample of the photos; the published place if none has any."""
    published = tree.folder(lists, "Manually_Annotated_Images")
    sample = written[:: max(1, len(written) // SAMPLE)][:SAMPLE]
    best, most = Place(published or lists, is_flat=False), 0
    for is_flat in (False, True):
        for folder in filter(None, (published, lists, *tree.below())):
            place = Place(folder, is_flat)
            found = sum(_photo(tree, place, path) is not None for path in sample)
            if found > most:
                best, most = place, found
            if found == len(sample):
                return best
    return best


def _photo(tree: Tree, place: Place, written: str) -> Path | None:
    return tree.photo(place.folder, written.replace("\\", "/").rpartition("/")[2] if place.is_flat else written)


def _box(row: Mapping[str, str]) -> Box | None:
    """The annotated box; None if the table gives no box, or a width of 0 or less as for the rows without a face.

    Raises:
        ValueError: If the box is damaged. The message is a reason.
    """
    numbers = [row.get(name, "") for name in BOX]
    if not all(map(given, numbers)):
        return None
    try:
        left, top, width, height = map(float, numbers)
    except ValueError:
        left = top = width = height = math.nan
    if not math.isfinite(left + top + width + height):
        raise ValueError(f"face box {' '.join(numbers)!r} is not four numbers")
    if width <= 0 or height <= 0:
        return None
    return left, top, left + width, top + height


def _box_is_null(row: Mapping[str, str]) -> bool:
    return any(row.get(name, "") and not given(row[name]) for name in BOX)
