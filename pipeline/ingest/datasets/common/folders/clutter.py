"""Recognise the files and folders that operating systems, editors and archive tools leave beside photos."""

import re

NAMES = {
    "__macosx",  # macOS, in ZIP archives
    "icon\r",  # macOS
    "network trash folder",
    "temporary items",
    "thevolumesettingsfolder",
    "ehthumbs.db",  # Windows
    "ehthumbs_vista.db",
    "$recycle.bin",
    "recycler",
    "recycled",
    "system volume information",
    "_vti_cnf",  # FrontPage: a file for each photo, under its name
    "@eadir",  # Synology
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
    "~snapshot",  # NetApp
    "_gsdata_",  # GoodSync
    "lost+found",  # Linux file systems
    "lost.dir",  # Android
    "picasa.ini",
    "__pycache__",
    "node_modules",
    "venv",
    ".ipynb_checkpoints",  # Jupyter
    ".appledouble",  # hidden folders that hold photos again, or thumbnails of them
    ".snapshot",
    ".thumbnails",
    ".@__thumb",
}
PATTERN = re.compile(
    r"\._.*"  # macOS: attributes of a file
    r"|\.trash.*"
    r"|(?:thumbs\.db|desktop\.ini).*"  # Windows: Thumbs.db, Thumbs.db.jpg
    r"|albumart_?(?:\{.*\}_?)?(?:small|large)\.jpg"  # Windows Media Player
    r"|synophoto_thumb_.*|@syno.*"  # Synology
    r"|~\$.*|.*~|#.*#"  # lock and backup files of Office, Emacs and others
    r"|.*\.(?:tmp|bak|swp|part|partial|crdownload|download)"  # half-written files
    r"|.*\.sync-conflict-\d{8}-\d{6}.*"  # Syncthing: the other version of a file
    r"|.*\((?:.*\b)?(?:conflicted copy|case conflict|selective sync conflict)\b.*\).*"  # Dropbox, Nextcloud
    r"|found\.\d{3}",  # Windows, after a repair of the disk
    re.IGNORECASE | re.DOTALL,
)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder of this name is a tool's (see ``is_of_tool``) or hidden, and so none of a dataset.

    Args:
        name: The last part of a path.
    """
    return name.startswith(".") or is_of_tool(name)


def is_of_tool(name: str) -> bool:
    """Return whether a file or folder has a name that only tools and systems give.

    Args:
        name: The last part of a path.
    """
    return name.casefold() in NAMES or PATTERN.fullmatch(name) is not None
