import json
from pathlib import Path

import pytest

from pipeline.faces.manifest import Photo
from pipeline.faces.status_counts import StatusCounts
from pipeline.runtime.errors import InputError


@pytest.fixture
def counts():
    """Ten photos, three without a usable face, and one that is excluded."""
    counts = StatusCounts()
    photos = [Photo(str(i), "", "fear" if i < 6 else "anger", "train" if i % 2 else "test", "") for i in range(11)]
    counts.count(["ok"] * 7 + ["no_face", "no_face", "unreadable", "excluded"], photos)
    return counts


def test_counts_in_all_by_label_and_by_split(counts, tmp_path):
    assert counts == {"ok": 7, "no_face": 2, "unreadable": 1, "excluded": 1}
    counts.write(tmp_path / "counts.json")
    written = json.loads((tmp_path / "counts.json").read_text())
    assert written["total"] == counts
    assert written["by_label"] == {"fear": {"ok": 6}, "anger": {"ok": 1, "no_face": 2, "unreadable": 1, "excluded": 1}}
    assert written["by_split"]["train"] == {"ok": 3, "no_face": 1, "unreadable": 1}


def test_table(counts):
    lines = [line.split() for line in str(counts).splitlines()]
    assert lines == [
        ["ok", "excluded", "no_face", "unreadable"],
        ["all", "7", "1", "2", "1"],
        ["test", "4", "1", "1", "0"],
        ["train", "3", "0", "1", "1"],
        ["anger", "1", "1", "2", "1"],
        ["fear", "6", "0", "0", "0"],
    ]


def test_too_many_failures_are_an_error_excluded_photos_aside(counts):
    counts.refuse_too_many_failures(0.3, Path("rows.csv"))
    with pytest.raises(
        InputError, match=r"3 of 10 photos failed \(2 no_face, 1 unreadable\), more than .* allows \(0\.29\)"
    ):
        counts.refuse_too_many_failures(0.29, Path("rows.csv"))
    StatusCounts().refuse_too_many_failures(0.0, Path("rows.csv"))
