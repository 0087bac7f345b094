"""Recognise the tables that list photos, with labels or without."""

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path, PurePath

from pipeline.ingest.datasets.common.csv_table.column_names import meaning
from pipeline.ingest.datasets.common.csv_table.lines import samples
from pipeline.ingest.datasets.common.folders.folder_tree import is_image
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.csv.columns import FIRST_LINES, column_of_images, guess_header
from pipeline.ingest.datasets.csv.label_columns import columns_of_labels
from pipeline.ingest.split_names import split_among_words, split_named

TABLES = (".csv", ".tsv")  # suffixes
TEXTS = (".txt",)  # which may be lists of photos, too, if they lie in the root
MOST_FILES = 50  # in a folder; where there are more, most are about one photo each
SUBMISSION = "submission"  # in the name of a contest's example, whose labels are not true
NAME = "labels.csv"


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
    for name in names if len(names) <= MOST_FILES else filter(_is_for_all, names):
        content = Content.OTHER if SUBMISSION in name.casefold() else content_of(folder / name)
        if content or name.casefold().endswith(TABLES):
            yield folder / name, content


def _is_for_all(name: str) -> bool:
    """Whether the name of a table is that of many photos, not of one as in a folder with a table for each."""
    stem = PurePath(name).stem
    return name.casefold() == NAME or bool(split_named(stem) or split_among_words(stem))


def content_of(table: Path) -> Content:
    """Return what a table lists, by its first lines."""
    content = max(_content(lines[0], table) if lines else Content.OTHER for lines in samples(table, FIRST_LINES))
    has_labels = content is Content.IMAGES and columns_of_labels(table)
    return Content.LABELS if has_labels or (not content and column_of_images(table)) else content


def _content(first: list[str], table: Path) -> Content:
    header = guess_header(table.parent, first)
    if header is not None and (header.is_row or meaning("image", first)):
        return Content.LABELS
    if meaning("image", first):
        return Content.LABELS if meaning("label", first) else Content.IMAGES
    return Content.IMAGES if len(first) == 1 and is_image(first[0]) else Content.OTHER
