"""The tables of RAF-DB: the published list of names and numbers, or ``train_labels.csv`` of copies."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.ingest.datasets.common.csv_rows import rows
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.runtime.errors import InputError

LISTS = ("list_patition_label.txt", "list_partition_label.txt")
TABLES = ("train_labels.csv", "test_labels.csv", "valid_labels.csv", "val_labels.csv")
SPLITS = {"train": "train", "test": "test", "valid": "validation", "val": "validation"}
ALIGNED = "_aligned"
HEADER = ("label", "labels", "emotion", "expression")


@dataclass(frozen=True)
class Line:
    """A line of a table."""

    where: str  # file and line
    stem: str  # of the image, as for the original photo
    label: str
    split: str  # empty if unknown
    problem: str = ""  # why the line cannot be used


def tables_in(tree: Tree, folder: Path) -> list[Path]:
    """Return the tables of the dataset in a folder; none if it has none."""
    published = tree.folder(folder, "EmoLabel")
    for place in filter(None, (published, folder)):
        if table := tree.file(place, *LISTS):
            return [table]
    return [table for name in TABLES if (table := tree.file(folder, name))]


def lines_of(table: Path) -> Iterator[Line]:
    """Read a table.

    Raises:
        InputError: If the table cannot be read.
    """
    if table.suffix.casefold() == ".csv":
        split = SPLITS[table.name.casefold().partition("_")[0]]
        for where, row in rows(table, filled=(), present=("image", "label")):
            yield _line(where, [row["image"], row["label"]], split)
        return
    for number, text in enumerate(_text(table).splitlines(), start=1):
        fields = text.replace(",", " ").split()
        is_header = number == 1 and bool(fields) and fields[-1].casefold() in HEADER
        if fields and not is_header:
            yield _line(f"{table} line {number}", fields, "")


def _line(where: str, fields: list[str], split: str) -> Line:
    name = fields[0].replace("\\", "/")
    stem = PurePosixPath(name).stem.removesuffix(ALIGNED)
    split = {"train": "train", "test": "test"}.get(stem.partition("_")[0], split)
    if len(fields) != 2 or not stem:
        return Line(where, stem, "", split, "expected an image name and a number")
    if not split:
        return Line(where, stem, "", split, f"{name} starts with neither train_ nor test_")
    return Line(where, stem, fields[1], split)


def _text(table: Path) -> str:
    content = table.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8 text: restore the published file") from error
