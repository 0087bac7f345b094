"""A table ``root/labels.csv`` with the columns image, label and optionally subject, split, box, or tables like it."""

from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.faces_of_photos import with_own_ids
from pipeline.ingest.datasets.common.folders.passed_over import counted, unlisted_line
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.missing_splits import validation_as_test, without_lone_split
from pipeline.ingest.datasets.csv.columns import take_synonyms
from pipeline.ingest.datasets.csv.folder_splits import missing_lines, with_splits_of_folders
from pipeline.ingest.datasets.csv.folder_tables import Table, Tables
from pipeline.ingest.datasets.csv.photos_below import PhotosBelow
from pipeline.ingest.datasets.csv.row_photos import Places, foreign_line, is_missing, photo_of, unclear_line
from pipeline.ingest.datasets.csv.split_columns import refuse_unclear_splits
from pipeline.ingest.datasets.csv.split_lists import with_splits_of
from pipeline.ingest.datasets.csv.table_rows import refuse_unread, table_rows
from pipeline.ingest.datasets.csv.tables import find_tables
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import SILENT_SECONDS, progress

Rows = list[tuple[str, Photo]]  # file and line, and photo


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per row, in file order. A photo may have several rows, one for each face, with different boxes.

    The column ``image`` is a path, relative to the root or absolute. The column ``box`` is the face's box as
    ``left top right bottom`` in pixels of the upright photo; if it is empty, stage detect looks for the face.

    Raises:
        InputError: If the table cannot be read, has a column that looks like a misspelt known column, or gives a face twice.
    """
    tables = find_tables(Tree(source.root, source.notes))
    return [photo for _, photo in rows_of(source, tables)]


def rows_of(source: DatasetSource, tables: Tables) -> Rows:
    """List the photos of tables.

    Args:
        source: The dataset.
        tables: Its tables.

    Returns:
        File and line, and photo, of each row.

    Raises:
        InputError: See ``read``.
    """
    listed, notes = tables.listed, source.notes
    root = listed[0].path.parent if len(listed) == 1 else tables.folder
    below = PhotosBelow(source.root)
    photos = [row for table in listed for row in _photos_in(table, root, below, source, is_alone=len(listed) == 1)]
    if not photos:
        raise InputError(f"{listed[0].path} gives no photo a label: fill in the column label")
    photos = with_splits_of(tables.of_splits, photos, below, notes)
    notes.extend(below.notes())
    names = " and ".join(sorted({table.path.name for table in listed}))
    unlisted = below.unlisted({photo.path for _, photo in photos})
    notes.extend(unlisted_line(unlisted, f"{names} {'do' if ' and ' in names else 'does'} not name them"))
    refuse_unclear_splits(photos)
    places = [where for where, _ in photos]
    faces = with_splits_of_folders(list(zip(places, with_own_ids(photos), strict=True)), notes)
    faces = validation_as_test(faces, source.root, notes)
    notes.extend(missing_lines(faces) or unclear_line(photos))
    return list(zip(places, _without_lone_split(faces, listed, source), strict=True))


def _without_lone_split(photos: list[Photo], tables: list[Table], source: DatasetSource) -> list[Photo]:
    """The photos without splits, if all have the split that the name of their table or folder tells."""
    is_named = any(table.split for table in tables)
    return without_lone_split(photos, source.root, source.notes) if is_named else photos


def _photos_in(table: Table, root: Path, below: PhotosBelow, source: DatasetSource, *, is_alone: bool) -> Rows:
    """File and line, and photo, of each row of a table. The ids of the photos are relative to the root.

    A table without labels lists nothing if there are other tables.
    """
    path, notes = table.path, source.notes
    lines = table_rows(path, (*source.labels, *source.rename)) if table.has_labels else rows(path, filled=())
    if all(is_missing(row.get("label", "")) for _, row in lines):
        if is_alone:
            raise InputError(f"{path} gives no photo a label: fill in the column label")
        notes.append(f"{path} has no labels: its {counted(len(lines), 'photo')} are not read")
        return []
    column = take_synonyms(path, lines)
    refuse_unread(path, lines[0][1])
    places = Places(root, path, below)
    shown = progress(lines, total=len(lines), title=f"find the photos of {path.name}", unit="rows", delay=SILENT_SECONDS)
    photos = [(where, photo_of(row | {"split": row.get("split", "") or table.split}, where, places)) for where, row in shown]
    refuse_unclear_splits(photos, column)
    notes.extend(foreign_line([(row["image"], photo) for (_, row), (_, photo) in zip(lines, photos, strict=True)]))
    return photos
