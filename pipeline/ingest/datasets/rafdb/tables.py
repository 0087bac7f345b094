"""The tables of RAF-DB: the published list of names and numbers, or ``train_labels.csv`` and the like of copies."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.ingest.split_names import split_named, splits_of
from pipeline.runtime.errors import InputError

LISTS = ("list_patition_label.txt", "list_partition_label.txt")
PARTS = ("train", "test", "valid", "val")  # of which copies have tables
ORDER = ("train", "test", "validation")
WHOLE = ("labels.csv", "label.csv", "labels.txt")
ALIGNED = "_aligned"
SEPARATORS = str.maketrans(',;"', "   ")
IMAGE = (
    "image",
    "images",
    "image_name",
    "img",
    "filename",
    "file_name",
    "file",
    "name",
    "path",
    "image_path",
    "pth",
    "img_path",
    "image_id",
)
LABEL = ("label", "labels", "emotion", "emotion_label", "class_name", "expression", "class")
SPLIT = ("split", "usage", "set", "subset", "partition")
LOOKED_AT = 4000  # bytes by which a list is recognised


@dataclass(frozen=True)
class Line:
    """A line of a table."""

    where: str  # file and line
    stem: str  # of the image, as for the original photo
    label: str
    split: str  # empty if unknown
    problem: str = ""  # why the line cannot be used


def published_in(tree: Tree, folder: Path) -> list[Path]:
    """Return the published list in a folder; none if it is not there."""
    places = filter(None, (tree.folder(folder, "EmoLabel"), folder))
    return [table for place in places if (table := tree.file(place, *LISTS))][:1]


def tables_in(tree: Tree, folder: Path) -> list[Path]:
    """Return the tables of a copy in a folder; none if it has none."""
    parts = [table for part in PARTS if (table := _part(tree, folder, part))] or _parts_named_otherwise(tree, folder)
    whole = [table for name in WHOLE if (table := tree.file(folder, name)) and _is_list(table)]
    return parts or whole[:1]


def lines_of(table: Path) -> Iterator[Line]:
    """Read a table.

    Raises:
        InputError: If the table cannot be read.
    """
    split = splits_of([table.stem]).get(table.stem, "")
    columns = _columns(_first_lines(table)[:1])
    if columns and table.suffix.casefold() == ".csv":
        image, label = columns
        for where, row in rows(table, filled=(), present=columns):
            own = next((split_named(value) for name, value in row.items() if name.casefold() in SPLIT), "")
            yield _line(where, [row[image], row[label]], own or split)
        return
    for number, text in enumerate(_text(table).splitlines(), start=1):
        fields = text.translate(SEPARATORS).split()
        is_header = number == 1 and bool(fields) and fields[-1].casefold() in LABEL
        if fields and not is_header:
            yield _line(f"{table} line {number}", fields, split)


def _line(where: str, fields: list[str], split: str) -> Line:
    name = fields[0].replace("\\", "/")
    stem = PurePosixPath(name).stem.removesuffix(ALIGNED)
    split = {"train": "train", "test": "test"}.get(stem.partition("_")[0], split)
    split = split or next(filter(None, map(split_named, reversed(PurePosixPath(name).parts[:-1]))), "")
    if len(fields) != 2 or not stem:
        return Line(where, stem, "", split, "expected an image name and a number")
    if not split:
        return Line(where, stem, fields[1], split, f"{name} starts with neither train_ nor test_")
    return Line(where, stem, fields[1], split)


def _part(tree: Tree, folder: Path, part: str) -> Path | None:
    """The table of a split."""
    others = (tree.file(folder, f"{part}.csv"), tree.file(folder, f"{part}.txt"))
    return tree.file(folder, f"{part}_labels.csv") or next((table for table in others if table and _is_list(table)), None)


def _parts_named_otherwise(tree: Tree, folder: Path) -> list[Path]:
    """The tables of the splits under names such as ``RAF_train_labels.csv`` and ``test_list.txt``."""
    tables = [folder / name for name in tree.files(folder).all if name.casefold().endswith((".csv", ".txt"))]
    tables = [table for table in tables if splits_of([table.stem]) and _is_list(table)]
    splits = splits_of(table.stem for table in tables)
    return sorted((table for table in tables if table.stem in splits), key=lambda table: ORDER.index(splits[table.stem]))


def _is_list(table: Path) -> bool:
    """Whether a table of a common name, such as ``train.txt``, lists images with labels."""
    lines = _first_lines(table)
    named = [line for line in lines[1:] or lines if len(line) > 1 and PurePosixPath(line[0]).suffix and line[-1]]
    return _columns(lines[:1]) is not None or bool(named)


def _first_lines(table: Path) -> list[list[str]]:
    """The fields of the first lines."""
    with table.open("rb") as file:
        content = file.read(LOOKED_AT)
    wide = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    text = content.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    separator = r"[,;\t|]" if table.suffix.casefold() == ".csv" else r"[,\s]+"
    fields = [[field.strip(' \t"') for field in re.split(separator, line.strip())] for line in text.splitlines()]
    return [line for line in fields if any(line)]


def _columns(header: list[list[str]]) -> tuple[str, str] | None:
    """The names of the columns of images and labels; None if this is no header of a list."""
    names = [name.casefold() for name in header[0]] if header else []
    image, label = (next((name for name in names if name in known), "") for known in (IMAGE, LABEL))
    return (image, label) if image and label else None


def _text(table: Path) -> str:
    content = table.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8 text: restore the published file") from error
