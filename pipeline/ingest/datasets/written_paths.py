"""Find the files that a dataset's table names, although the table was written on another system."""

import os
import re
import unicodedata
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")  # how an absolute path of Windows begins
QUOTES = "\"'"


def find(root: Path, written: str) -> Path:
    r"""Return the file that a table names.

    A path that does not exist as it is written is tried without quotes and ``file://``, with ``~`` as the home folder, and
    with the slashes of Windows. Windows and macOS do not tell upper from lower case in names, and macOS writes accents in
    another Unicode form, so then any case and form counts, if only one file fits.

    Args:
        root: Folder that the path is relative to.
        written: The path as the table gives it, relative to ``root`` or absolute.

    Returns:
        The file. If no file matches, the path as it is written.
    """
    as_written = root / written
    if _exists(as_written):
        return as_written
    plain = _plain(written)
    anchor = plain.anchor if plain.is_absolute() else ""
    folder = Path(anchor) if anchor else root
    for part in plain.relative_to(anchor).parts:
        exact = folder / part
        name = part if part == ".." or _exists(exact) else _only_name(folder, part)
        if name is None:
            return as_written
        folder = folder / name
    return folder


def is_foreign(written: str) -> bool:
    r"""Return whether this is an absolute path of Windows (``C:\faces\1.jpg``) that this system cannot have."""
    return os.name != "nt" and DRIVE.match(written.strip(QUOTES)) is not None


def _plain(written: str) -> PurePosixPath:
    text = written.strip(QUOTES)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return PurePosixPath(os.path.expanduser(text.replace("\\", "/")))  # noqa: PTH111 (Path.expanduser raises)


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises for odd names)


def _only_name(folder: Path, name: str) -> str | None:
    """The only name in the folder that is the same but for its case and Unicode form."""
    try:
        matches = _names(folder, folder.stat().st_mtime_ns).get(_folded(name), ())
    except (OSError, ValueError):
        return None
    return matches[0] if len(matches) == 1 else None


@lru_cache(maxsize=4096)
def _names(folder: Path, changed: int) -> dict[str, tuple[str, ...]]:  # noqa: ARG001 (a changed folder is read again)
    names: dict[str, tuple[str, ...]] = {}
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 (names only)
        names[_folded(name)] = (*names.get(_folded(name), ()), name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
