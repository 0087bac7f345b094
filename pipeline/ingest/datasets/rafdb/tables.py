"""The tables of RAF-DB: the published list of names and numbers, or ``train_labels.csv`` and the like of copies."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.ingest.datasets.common.csv_table.column_names import meaning
from pipeline.ingest.datasets.common.csv_table.parts import parts_of
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.split_names import split_among_words, split_named
from pipeline.runtime.errors import InputError

LISTS = ("list_patition_label.txt", "list_partition_label.txt")
ORDER = ("train", "test", "validation")
WHOLE = ("labels.csv", "label.csv", "labels.txt")
ALIGNED = "_aligned"
SEPARATORS = str.maketrans(',;"', "   ")
MOST_FILES = 50  # in a folder; where there are more, each is about one photo
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


def is_published(table: Path) -> bool:
    """Return whether a table has the name of the published list."""
    return table.name.casefold() in LISTS


def tables_in(tree: Tree, folder: Path) -> list[Path]:
    """Return the tables of a copy in a folder: those of the splits, or one of all photos; none if it has none.

    Raises:
        InputError: If several tables may be that of a split.
    """
    tables = [table for table in _tables(tree, folder) if _split_of(table) or table.name.casefold() in WHOLE]
    lists = [table for table in tables if _is_list(table)]
    names = {table.name.casefold() for table in lists}
    parts = parts_of([table for table in lists if f"{table.stem.casefold()}_labels.csv" not in names])
    whole = [table for name in WHOLE for table in lists if table.name.casefold() == name]
    return sorted(parts, key=lambda table: ORDER.index(parts[table])) or whole[:1]


def unread_beside(tree: Tree, tables: list[Path]) -> list[str]:
    """Return the names of the tables beside those that are read. Text files that list no photos are none."""
    others = [table for table in _tables(tree, tables[0].parent) if table not in tables]
    others = others if len(others) <= MOST_FILES else []
    return [table.name for table in others if table.suffix.casefold() == ".csv" or _is_list(table)]


def _tables(tree: Tree, folder: Path) -> list[Path]:
    names = [name for name in tree.files(folder).all if name.casefold().endswith((".csv", ".txt"))]
    return [folder / name for name in names]


def _split_of(table: Path) -> str:
    return split_named(table.stem) or split_among_words(table.stem)


def lines_of(table: Path) -> Iterator[Line]:
    """Read a table.

    Raises:
        InputError: If the table cannot be read.
    """
    split = _split_of(table)
    columns = _columns(_first_lines(table)[:1])
    if columns and table.suffix.casefold() == ".csv":
        image, label = columns
        for where, row in rows(table, filled=(), present=columns):
            own = next((split_named(row[name]) for name in meaning("split", row)), "")
            yield _line(where, [row[image], row[label]], own, split)
        return
    for number, text in enumerate(_text(table).splitlines(), start=1):
        fields = text.translate(SEPARATORS).split()
        is_header = number == 1 and bool(fields) and bool(meaning("label", fields[-1:]))
        if fields and not is_header:
            yield _line(f"{table} line {number}", fields, "", split)


def _line(where: str, fields: list[str], own: str, of_table: str) -> Line:
    """The line of a table, with its own split, or else that of its table, of the photo's name or of its folder."""
    name = fields[0].replace("\\", "/")
    stem = PurePosixPath(name).stem.removesuffix(ALIGNED)
    of_name = {"train": "train", "test": "test"}.get(stem.partition("_")[0], "")
    is_other = {of_table, of_name} == {"train", "test"}  # a table of all photos that is called train.csv
    split = own or (of_name if is_other else of_table or of_name)
    split = split or next(filter(None, map(split_named, reversed(PurePosixPath(name).parts[:-1]))), "")
    if len(fields) != 2 or not stem:
        return Line(where, stem, "", split, "expected an image name and a number")
    if not split:
        return Line(where, stem, fields[1], split, f"{name} starts with neither train_ nor test_")
    return Line(where, stem, fields[1], split)


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
    images, labels = meaning("image", names) or meaning("name", names), meaning("label", names)
    return (images[0], labels[0]) if images and labels else None


def _text(table: Path) -> str:
    content = table.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8 text: restore the published file") from error
