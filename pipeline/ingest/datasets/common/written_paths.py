"""Find the files that a dataset's table names, although the table was written on another system."""

import os
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.runtime.user_paths import expand

DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")  # how an absolute path of Windows begins
QUOTES = "\"'"
OUTER = 3  # parts of an absolute path that tell whose machine it is of: the slash, and two folders


def find(root: Path, written: str) -> Path:
    """Return the file that a table names (see ``find_existing``); if no file matches, the path as it is written."""
    return find_existing(root, written) or root / written


def find_existing(root: Path, written: str) -> Path | None:
    """Return the file that a table names, or None.

    A path that does not exist as it is written is tried without quotes and ``file://``, with ``~``, ``$NAME`` and ``%20``
    written out, and with the slashes of Windows. Windows and macOS do not tell upper from lower case in names, and macOS
    writes accents in another Unicode form. So then any case and form counts, and the suffix of any image format, if only one
    file fits. A path that begins with a slash may also begin at the root, and a relative path with the name of the root.
    Of an absolute path of another machine (see ``is_foreign``), the last parts that lead to a file under the root count.

    Args:
        root: Folder that the path is relative to.
        written: The path as the table gives it, relative to ``root`` or absolute.
    """
    as_written = root / written
    if _exists(as_written):
        return as_written
    return _find_meant(root, written) or (_find_meant(root, unquote(written)) if "%" in written else None)


def _find_meant(root: Path, written: str) -> Path | None:
    """The file that a path means that does not exist as it is written."""
    plain = plain_path(written)
    parts = plain.relative_to(plain.anchor).parts
    found = _follow(Path(plain.anchor), parts) if plain.is_absolute() else None
    found = found or _follow(root, parts)
    if is_foreign(written):
        for first in range(1, len(parts)):
            found = found or _follow(root, parts[first:])
    elif len(parts) > 1 and folded(parts[0]) == folded(root.resolve().name):
        found = found or _follow(root, parts[1:])
    return found


def is_foreign(written: str) -> bool:
    r"""Return whether this is an absolute path of another machine.

    It is a path of Windows (``C:\faces\1.jpg``) that this system cannot have, or one whose outer folders do not exist here
    (``/mnt/theirs/faces/1.jpg``).
    """
    if os.name != "nt" and DRIVE.match(written.strip(QUOTES)) is not None:
        return True
    plain = plain_path(written)
    return plain.is_absolute() and len(plain.parts) > OUTER and not _exists(Path(*plain.parts[:OUTER]))


def _follow(folder: Path, parts: Sequence[str]) -> Path | None:
    """Walk from a folder to a file, in any case. None if a part does not exist, or could be several names."""
    for number, part in enumerate(parts, start=1):
        name = part if part == ".." or _exists(folder / part) else _only_name(folder, part)
        if name is None and number == len(parts):
            name = _only_image(folder, part)
        if name is None:
            return None
        folder = folder / name
    return folder


def plain_path(written: str) -> PurePath:
    """Return the path that a table means: without quotes and ``file://``, with the slashes and folders of this system."""
    text = written.strip(QUOTES)
    if text.startswith("file://"):
        text = url2pathname(urlsplit(text).path)
    return PurePath(expand(text.replace("\\", "/")))


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises for odd names)


def _only_name(folder: Path, name: str) -> str | None:
    """The only name in the folder that is the same but for its case and Unicode form."""
    try:
        matches = _names(folder, folder.stat().st_mtime_ns).get(folded(name), ())
    except (OSError, ValueError):
        return None
    return matches[0] if len(matches) == 1 else None


def _only_image(folder: Path, name: str) -> str | None:
    """The only image in the folder whose name differs in the suffix alone."""
    stem = PurePath(name).stem if PurePath(name).suffix.lower() in IMAGE_SUFFIXES else name
    found = [image for suffix in sorted(IMAGE_SUFFIXES) if (image := _only_name(folder, f"{stem}{suffix}"))]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def _names(folder: Path, changed: int) -> dict[str, tuple[str, ...]]:  # noqa: ARG001 (a changed folder is read again)
    names: dict[str, tuple[str, ...]] = {}
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 (names only)
        names[folded(name)] = (*names.get(folded(name), ()), name)
    return names


def folded(name: str) -> str:
    """Return what is the same for names that differ in their case or Unicode form alone."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
