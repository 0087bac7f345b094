"""Recognise the files and folders that operating systems, editors and archive tools leave beside photos."""

import re

NAMES = {
    "__macosx",  # macOS, in ZIP archives
    "icon\r",  # macOS
    "network trash folder",
    "temporary items",
    "thumbs.db",  # Windows
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "@eadir",  # Synology
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
    "lost+found",  # Linux file systems
    "picasa.ini",
    "__pycache__",
}
PATTERN = re.compile(
    r"\..*"  # hidden: .DS_Store, ._photo.jpg (macOS), .ipynb_checkpoints (Jupyter), .git, .Trash-1000
    r"|~\$.*|.*~|#.*#"  # lock and backup files of Office, Emacs and others
    r"|.*\.(?:tmp|bak|swp|part|partial|crdownload|download)"  # half-written files
    r"|found\.\d{3}",  # Windows, after a repair of the disk
    re.IGNORECASE | re.DOTALL,
)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder of this name belongs to a tool, and never to a dataset.

    Args:
        name: The last part of a path.
    """
    return name.casefold() in NAMES or PATTERN.fullmatch(name) is not None
