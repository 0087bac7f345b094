import os
from pathlib import Path

import pytest

from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.runtime.errors import InputError


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def tree(tmp_path, notes):
    """A tree with the given files, which are empty."""

    def tree(*files):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        return Tree(tmp_path, notes)

    return tree


@pytest.mark.parametrize(
    "written",
    ["12/a.jpg", "12\\a.jpg", "12/A.JPG", "12/a.png", "./12/a.jpg", "12/../12/a.jpg", "12//a.jpg", "12/a.tiff", "12/a"],
)
def test_a_photo_is_found_as_other_systems_write_it(tree, tmp_path, written):
    assert tree("12/a.jpg").photo(tmp_path, written) == tmp_path / "12" / "a.jpg"


@pytest.mark.parametrize("written", ["12/b.jpg", "13/a.jpg", "a.jpg", "", "12/a.jpg/c.jpg"])
def test_a_photo_that_is_not_there_is_not_found(tree, tmp_path, written):
    assert tree("12/a.jpg").photo(tmp_path, written) is None


def test_the_written_name_comes_before_its_likes(tree, tmp_path):
    found = tree("a.JPG", "a.jpg", "A.png", "a.png", "a.txt").photo
    assert [found(tmp_path, name).name for name in ("a.jpg", "a.JPG", "A.png", "a.png", "a.bmp")] == [
        "a.jpg", "a.JPG", "A.png", "a.png", "a.jpg",
    ]  # fmt: skip


def test_a_folder_is_listed_once(tree, tmp_path, monkeypatch):
    seen = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: seen.append(folder) or scandir(folder))
    found = tree(*(f"1/{number}.jpg" for number in range(50)))
    assert all(found.photo(tmp_path, f"1/{number}.jpg") for number in range(50))
    assert sorted(seen) == [tmp_path, tmp_path / "1"]


def test_clutter_is_passed_over_and_counted(tree, tmp_path, notes):
    found = tree("1/a.jpg", "1/._a.jpg", "1/.ipynb_checkpoints/a-checkpoint.jpg", "__MACOSX/1/._a.jpg", "Thumbs.db")
    assert [(path.relative_to(tmp_path).as_posix(), names) for path, names in found.walk(tmp_path)] == [
        (".", []), ("1", ["a.jpg"]),
    ]  # fmt: skip
    found.report_clutter()
    assert notes == ["passed over: 4 files of tools and systems (._a.jpg, .ipynb_checkpoints, Thumbs.db, __MACOSX)"]


def test_links_are_followed_and_loops_end(tree, tmp_path):
    found = tree("1/a.jpg", "other/b.jpg")
    (tmp_path / "1" / "more").symlink_to(tmp_path / "other")
    (tmp_path / "1" / "loop").symlink_to(tmp_path / "1")
    (tmp_path / "1" / "above").symlink_to(tmp_path)
    (tmp_path / "1" / "itself").symlink_to(tmp_path / "1" / "itself")
    assert [names for _, names in found.walk(tmp_path / "1")] == [["a.jpg"], ["b.jpg"]]


def test_the_dataset_is_looked_for_in_the_folders_below(tree, tmp_path):
    def layout(folder: Path):
        return (lambda: [folder.name]) if (folder / "here").is_file() else None

    assert tree("a/b/c/here").find(layout)() == ["c"]
    assert Tree(tmp_path / "a" / "b", []).find(layout)() == ["c"]
    assert tree("x/here").find(layout)() == ["x"]
    with pytest.raises(InputError, match=r"holds the dataset several times: set ingest.root to one of .*x, .*y"):
        tree("y/here").find(layout)
    assert tree("p/q/r/s/here", "x/no").find(lambda folder: layout(folder) if folder.name in "pqrs" else None) is None


def test_folders_of_photos_are_not_searched(tree, tmp_path):
    found = tree(*(f"photos/{number}/a.jpg" for number in range(101)))
    assert list(found.below()) == [tmp_path, tmp_path / "photos"]


def test_unlisted_photos_are_counted(tree, tmp_path, notes):
    found = tree("1/a.jpg", "1/b.jpg", "1/c.png", "1/notes.txt", "2/d.jpg")
    found.report_unlisted([(tmp_path / "1" / "a.jpg").as_posix()])
    assert "not read, since no table names them: 2 photos, e.g. " in "\n".join(notes)
    found.report_unlisted((tmp_path / "1" / name).as_posix() for name in ("a.jpg", "b.jpg", "c.png"))
    assert len(notes) == 1
