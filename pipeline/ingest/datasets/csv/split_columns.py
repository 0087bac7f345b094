"""Find the split of each row of a user's table, in a column of another name or in columns of yes and no."""

import re
from collections.abc import Collection, Sequence
from itertools import combinations

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest.datasets.common.csv_table.column_names import folded, meaning
from pipeline.ingest.datasets.common.csv_table.rows import given
from pipeline.ingest.split_names import split_named, split_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

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
    """Return the column that holds names of splits; None if there is none.

    A column of another name than that of splits (see ``column_names``) counts if it has names of several splits alone, in
    most rows. Other values in a column that is named so are probably mistakes. Of two columns, one may say which test photos
    are for validation; that one is returned.

    Raises:
        InputError: If columns contradict one another. The error names a line.
    """
    names = list(table[0][1])
    splits = {name: [split_of(given(row.get(name, ""))) for _, row in table] for name in names}
    means = [name for name in meaning("split", names) if set(splits[name]) & set(SPLITS)]
    found = [name for name in names if name in means or _are_splits(splits[name])]
    found = [name for name in found if set(splits[name]) <= {*SPLITS, ""}] or means
    for name in found:
        if all(_is_finer(splits[name], splits[other]) for other in found):
            return name
    for one, other in combinations(found, 2):
        differ = zip(table, splits[one], splits[other], strict=True)
        where, *values = next((where, *both) for (where, _), *both in differ if both[0] != both[1])
        said = " and ".join(f"{name!r} says {value!r}" for name, value in zip((one, other), values, strict=True))
        raise InputError(f"{where}: {said}: keep the right one of these columns, and call it split")
    return None


def _are_splits(values: Sequence[str]) -> bool:
    """Whether most values are splits, and the others empty. A single split may be chance (a column of "test")."""
    filled = [value for value in values if value]
    return set(filled) <= set(SPLITS) and len(set(filled)) > 1 and len(filled) > len(values) / 2


def _is_finer(splits: Sequence[str], others: Sequence[str]) -> bool:
    """Whether values are the same as others, or say that some of these photos are for validation."""
    pairs = set(zip(splits, others, strict=True))
    whole = {other for split, other in pairs if split == "validation"}
    return all(split in (other, "validation") or not other for split, other in pairs) and len(whole - {""}) < 2


def take_flags(table: Rows) -> list[str]:
    """Write the column split from columns of yes and no that are named after splits, such as ``is_train``.

    Returns:
        Sentences on what was taken; empty if there are no such columns, or they do not give every row a split.

    Raises:
        InputError: If a row is in several splits, or if a column that is clearly of yes and no (``is_test``) has another
            value. The error names the line.
    """
    named = {name: split_named(FLAG.sub("", folded(name))) for name in table[0][1] if folded(name) != "invalid"}
    columns = {name: split for name, split in named.items() if split}
    means = frozenset(columns.values())
    if means not in REST or not _are_flags(table, columns):
        return []
    rest = 0
    for where, row in table:
        values = {(split, row.pop(name, "").casefold() in YES) for name, split in columns.items()}
        splits = [split for split in SPLITS if (split, True) in values]
        if len(splits) > 1:
            raise InputError(f"{where}: the photo is in {' and '.join(splits)}: leave one of them")
        if len(values) > len(means):
            raise InputError(f"{where}: {' and '.join(columns)} contradict one another: keep one of them")
        rest += not splits
        row["split"] = splits[0] if splits else REST[means]
    taken = f"yes and no in {', '.join(columns)} are taken as split"
    return [taken, *[f"{rest:,} photos with no in all of them are taken as {REST[means]}"] * bool(rest and REST[means])]


def _are_flags(table: Rows, columns: Collection[str]) -> bool:
    """Whether columns hold yes and no alone.

    Raises:
        InputError: If they do not, although their names say so.
    """
    if not any(row.get(name, "") for _, row in table for name in columns):
        return False
    for where, row in table:
        for name in columns:
            value = row.get(name, "")
            if value.casefold() not in YES | NO:
                if not FLAG.match(folded(name)):
                    return False
                is_value = repr(value) if value else "empty"
                raise InputError(
                    f"{where}: {name} is {is_value}: write yes or no, or rename the column if it means no split"
                )
    return True


def refuse_unclear_splits(photos: Sequence[tuple[str, Photo]], column: str = "split") -> None:
    """Refuse a split that no name of a split is, and rows without a split beside rows with one.

    Args:
        photos: File and line, and photo, of each row.
        column: The column of their splits.

    Raises:
        InputError: The error names the line.
    """
    usable = [(where, photo.split) for where, photo in photos if photo.status == Status.OK]
    its_split = "the split" if column == "split" else f"{column!r}, which is taken as split,"
    has_splits = any(split for _, split in usable)
    for where, split in usable:
        if split and split not in SPLITS:
            raise InputError(f"{where}: {split!r} is no split: write one of {', '.join(SPLITS)}, or leave all splits empty")
        if has_splits and not split:
            raise InputError(f"{where}: {its_split} is empty, but other rows have one: give all photos a split, or none")
