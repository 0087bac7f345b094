"""Recognise tables that each list the photos of one split, by their names."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.faces.manifest import SPLITS
from pipeline.ingest.split_names import split_among_words, split_named
from pipeline.runtime.errors import InputError


def parts_of(tables: Sequence[Path]) -> dict[Path, str]:
    """Return the tables that are named after splits, each with its split: one table for each split.

    A name of the split alone (``train.csv``) counts more than one with other words (``fer_train_list.csv``).

    Args:
        tables: The tables.

    Raises:
        InputError: If several tables may be that of a split.
    """
    found: dict[Path, str] = {}
    for split in SPLITS:
        plain = [table for table in tables if split_named(table.stem) == split]
        longer = [table for table in tables if table not in plain and split_among_words(table.stem) == split]
        best = plain or longer
        if len(best) > 1:
            listed = " and ".join(table.name for table in (*plain, *longer))
            raise InputError(f"{best[0].parent}: {listed} may be the table of the {split} photos: keep one of them there")
        found |= dict.fromkeys(best, split)
    return {table: found[table] for table in tables if table in found}
