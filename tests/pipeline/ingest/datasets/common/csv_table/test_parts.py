from pathlib import Path

import pytest

from pipeline.ingest.datasets.common.csv_table.parts import parts_of
from pipeline.runtime.errors import InputError


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["test.csv", "train.csv"], ["test", "train"]),
        (["RAF_train_labels.csv", "dev.csv", "notes.csv"], ["train", "validation", None]),
        (["train.csv", "train_labels.csv", "fer_train.csv"], ["train", None, None]),  # the plain name counts
        ([], []),
    ],
)
def test_tables_are_known_by_their_names(names, splits):
    tables = [Path("data", name) for name in names]
    found = parts_of(tables)
    assert [found.get(table) for table in tables] == splits
    assert list(found) == [table for table in tables if table in found]


@pytest.mark.parametrize("names", [("val.csv", "dev.csv"), ("fer_val.csv", "raf_val.csv"), ("PublicTest.csv", "valid.txt")])
def test_two_tables_of_one_split_are_refused(names):
    with pytest.raises(
        InputError, match=f"data: {names[0]} and {names[1]} may be the table of the validation photos: keep one"
    ):
        parts_of([Path("data", name) for name in names])
