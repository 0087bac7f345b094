"""Recognise the tables that list photos, with labels or without."""

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

from pipeline.ingest.datasets.common.csv_table.column_names import meaning
from pipeline.ingest.datasets.common.csv_table.lines import samples
from pipeline.ingest.datasets.common.folder_tree import is_image
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.datasets.csv.columns import guess_header

TABLES = (".csv", ".tsv")  # suffixes
TEXTS = (".txt",)  # which may be lists of photos, too, if they lie in the root
MOST_FILES = 50  # in a folder; where there are more, each is about one photo


class Content(IntEnum):
    """What a table lists."""

    OTHER = 0
    IMAGES = 1
    LABELS = 2  # images with labels


def tables_in(tree: Tree, folder: Path) -> dict[Path, Content]:
    """Return the tables in a folder, and what they list. Text files that list nothing are left out."""
    return dict(_tables_in(tree, folder))


def _tables_in(tree: Tree, folder: Path) -> Iterator[tuple[Path, Content]]:
    suffixes = (*TABLES, *TEXTS) if folder == tree.root else TABLES
    names = [name for name in tree.files(folder).all if name.casefold().endswith(suffixes)]
    for name in names if len(names) <= MOST_FILES else ():  # a file for each photo
        content = content_of(folder / name)
        if content or name.casefold().endswith(TABLES):
            yield folder / name, content


def content_of(table: Path) -> Content:
    """Return what a table lists, by its first lines."""
    return max(_content(lines[0], table) if lines else Content.OTHER for lines in samples(table, 1))


def _content(first: list[str], table: Path) -> Content:
    header = guess_header(table.parent, first)
    if header is not None and (header.is_row or meaning("image", first)):
        return Content.LABELS
    if meaning("image", first):
        return Content.LABELS if meaning("label", first) else Content.IMAGES
    return Content.IMAGES if len(first) == 1 and is_image(first[0]) else Content.OTHER
