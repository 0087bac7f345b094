"""Find the split of each row of a user's table, in a column of another name or in columns of yes and no."""

import re
from collections.abc import Sequence

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets.common.csv_table.rows import given
from pipeline.ingest.split_names import split_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

NAMES = {"set", "usage", "subset", "partition"}
FLAG = re.compile(r"^i[sn](?=t|v)")  # is_train, in_test
YES, NO = {"1", "true", "yes", "y", "t", "1.0"}, {"0", "false", "no", "n", "f", "0.0"}
REST = {  # the split of the rows that are in none of the splits that have columns of yes and no
    frozenset({"train"}): "test",
    frozenset({"test"}): "train",
    frozenset({"train", "validation"}): "test",
    frozenset({"train", "test"}): "validation",
    frozenset({"validation", "test"}): "train",
    frozenset(SPLITS): "",
}

Rows = Sequence[tuple[str, dict[str, str]]]  # file and line, values by column


def column_of_splits(table: Rows) -> str | None:
    """Return the column that holds names of splits; None if there is none, or several differ.

    A column holds names of splits alone. A single split may be chance (a column of "test"), and other values are probably
    mistakes, only if the column's own name says that it means splits.
    """
    names = list(table[0][1])
    splits = {name: [split_of(row[name]) for _, row in table if given(row.get(name, ""))] for name in names}
    means = [name for name in names if folded(name) in NAMES]
    found = [name for name in names if set(splits[name]) <= set(SPLITS)]
    found = [name for name in found if len(set(splits[name])) > 1 or (splits[name] and name in means)]
    found = found or [name for name in means if {*splits[name]} & {*SPLITS}]
    return found[0] if len({tuple(splits[name]) for name in found}) == 1 else None


def take_flags(table: Rows) -> list[str]:
    """Write the column split from columns of yes and no that are named after splits, such as ``is_train``.

    Returns:
        The columns; empty if there are none, or they do not give every row a split.

    Raises:
        InputError: If a row is in several splits. The error names its line.
    """
    columns = {name: split for name in table[0][1] if (split := split_of(FLAG.sub("", folded(name)))) in SPLITS}
    values = {row.get(name, "").casefold() for _, row in table for name in columns}
    means = frozenset(columns.values())
    if means not in REST or len(means) < len(columns) or not values <= YES | NO:
        return []
    for where, row in table:
        splits = [split for name, split in columns.items() if row.pop(name).casefold() in YES]
        if len(splits) > 1:
            raise InputError(f"{where}: the photo is in {' and '.join(splits)}: leave one of them")
        row["split"] = splits[0] if splits else REST[means]
    return list(columns)


def refuse_unclear_splits(photos: Sequence[tuple[str, Photo]]) -> None:
    """Refuse a split that no name of a split is, and rows without a split beside rows with one.

    Args:
        photos: File and line, and photo, of each row.

    Raises:
        InputError: The error names the line.
    """
    usable = [(where, photo.split) for where, photo in photos if photo.status == Status.OK]
    has_splits = any(split for _, split in usable)
    for where, split in usable:
        if split and split not in SPLITS:
            raise InputError(f"{where}: {split!r} is no split: write one of {', '.join(SPLITS)}, or leave all splits empty")
        if has_splits and not split:
            raise InputError(f"{where}: the split is empty, but other rows have one: give all photos a split, or none")


def folded(name: str) -> str:
    """Return the name of a column without its case, blanks, hyphens and underscores."""
    return "".join(letter for letter in name.casefold() if letter not in " -_")
