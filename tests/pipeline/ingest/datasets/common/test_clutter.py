import pytest

from pipeline.ingest.datasets.common.clutter import is_clutter


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._x.jpg", ".ipynb_checkpoints", ".git", ".Trash-1000", ".thumbnails", ".hidden.jpg", "Icon\r"),
        *("__MACOSX", "__macosx", "Thumbs.db", "THUMBS.DB", "desktop.ini", "$RECYCLE.BIN", "System Volume Information"),
        *("@eaDir", "#recycle", "lost+found", "__pycache__", "FOUND.000", "Picasa.ini"),
        *("~$labels.xlsx", "labels.csv~", "#labels.csv#", "a.jpg.part", "a.jpg.crdownload", "~WRL0001.tmp", "b.SWP"),
    ],
)
def test_tools_leave_clutter(name):
    assert is_clutter(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "photo - Copy.jpg",
        "photo (1).jpg",
        "Thumbs",
        "thumbs.jpg",
        "macosx",
        "happy~sad.jpg",
        "#1.jpg",
        "1.temp.jpg",
    ],
)
def test_photos_are_no_clutter(name):
    assert not is_clutter(name)
