"""Recognise the files and folders that operating systems, editors and archive tools leave beside photos."""

import re

NAMES = {
    "__macosx",  # macOS, in ZIP archives
    "thumbs.db",  # Windows
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "@eadir",  # Synology
    "lost+found",  # Linux file systems
    "__pycache__",
}
# Hidden names: .DS_Store, ._photo.jpg (macOS), .ipynb_checkpoints (Jupyter), .git, .Trash-1000. Then lock and backup files.
PATTERN = re.compile(r"\..*|~\$.*|.*~|#.*#|.*\.(?:tmp|bak|swp|part|crdownload)", re.IGNORECASE)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder of this name belongs to a tool, and never to a dataset.

    Args:
        name: The last part of a path.
    """
    return name.casefold() in NAMES or PATTERN.fullmatch(name) is not None
