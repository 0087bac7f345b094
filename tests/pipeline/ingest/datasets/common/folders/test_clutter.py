import pytest

from pipeline.ingest.datasets.common.folders.clutter import is_clutter, is_of_tool


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._x.jpg", ".ipynb_checkpoints", ".git", ".Trash-1000", ".thumbnails", ".hidden.jpg", "Icon\r"),
        *("__MACOSX", "__macosx", "Thumbs.db", "THUMBS.DB", "desktop.ini", "$RECYCLE.BIN", "System Volume Information"),
        *("@eaDir", "#recycle", "lost+found", "__pycache__", "FOUND.000", "Picasa.ini"),
        *("~$labels.xlsx", "labels.csv~", "#labels.csv#", "a.jpg.part", "a.jpg.crdownload", "~WRL0001.tmp", "b.SWP"),
        *(
            "_gsdata_",
            "~snapshot",
            ".snapshot",
            "node_modules",
            "venv",
            ".fseventsd",
            ".AppleDouble",
            "LOST.DIR",
            "_vti_cnf",
        ),
        *("Thumbs.db.jpg", "thumbs.db_encryptable", "AlbumArtSmall.jpg", "AlbumArt_{0F3A-1}_Large.jpg"),
        *("SYNOPHOTO_THUMB_XL.jpg", "@SynoResource", "a.sync-conflict-20240131-120000-ABCDEFG.jpg"),
        *(
            "a (Anna's conflicted copy 2024-01-31).jpg",
            "a (conflicted copy 2024-01-31 120000).jpg",
            "happy (Case Conflict 1)",
        ),
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
        *("a-checkpoint.jpg", "conflicted copy.jpg", "conflict", "sync-conflict.jpg", "album.jpg", "Folder.jpg", "snapshot"),
    ],
)
def test_photos_are_no_clutter(name):
    assert not is_clutter(name)


@pytest.mark.parametrize(("name", "of_tool"), [("._a.jpg", True), (".ipynb_checkpoints", True), (".own", False)])
def test_hidden_names_are_clutter_but_may_be_a_users(name, of_tool):
    assert is_clutter(name)
    assert is_of_tool(name) == of_tool
