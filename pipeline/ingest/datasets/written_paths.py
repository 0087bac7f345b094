"""Find the files that a dataset's table names, although the table was written on another system."""

import os
from functools import lru_cache
from pathlib import Path, PurePosixPath


def find(root: Path, written: str) -> Path:
    """Return the file that a table names.

    Windows separates folders by backslashes, and does not tell upper from lower case in names. So a name that does not exist
    as it is written is looked up with slashes, and then in any case.

    Args:
        root: Folder that the path is relative to.
        written: The path as the table gives it, relative to ``root`` or absolute.

    Returns:
        The file. If no file matches, the path as it is written.
    """
    as_written = root / written
    if os.path.exists(as_written):  # noqa: PTH110 (Path.exists raises for odd names)
        return as_written
    with_slashes = PurePosixPath(written.replace("\\", "/"))
    found = root / with_slashes
    if os.path.exists(found):  # noqa: PTH110
        return found
    folder = Path(with_slashes.anchor) if with_slashes.is_absolute() else root
    for part in with_slashes.relative_to(with_slashes.anchor).parts:
        name = part if part == ".." else _names(folder).get(part.casefold())
        if name is None:
            return as_written
        folder = folder / name
    return folder


@lru_cache(maxsize=4096)
def _names(folder: Path) -> dict[str, str]:
    """Map the names in a folder, without their case, to the names themselves. The first in order wins."""
    try:
        return {name.casefold(): name for name in sorted(os.listdir(folder), reverse=True)}  # noqa: PTH208 (names only)
    except OSError:
        return {}
