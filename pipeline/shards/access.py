"""Open the files of a set as plain files, read bytes at a known place, and say truthfully why a file cannot be read."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.runtime import file_errors
from pipeline.shards.errors import ShardAccessError, ShardError, run_again

READABLE = "give this user the right to read it"
FIXES = file_errors.FIXES | {errno.EACCES: READABLE, errno.EPERM: READABLE}
ANY_FIX = "check its disk or network drive, and run the same command again"


class Identity(NamedTuple):
    """What tells a file from every other file, and from itself after it was cut or extended.

    The time of its last change is not a part of it: aucue's cache, which may share the file, touches that.
    """

    device: int
    inode: int
    size: int  # bytes


@contextmanager
def truthful_errors(path: Path, kind: str) -> Iterator[None]:
    """Turn an error of the file system into one that names the file, the error and what helps.

    Args:
        path: The file that is opened or read in the with block.
        kind: Kind of its set.

    Raises:
        ShardAccessError: If the file cannot be read, for a reason that is not its content.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise ShardAccessError(path, "is missing", run_again(kind)) from error
    except IsADirectoryError as error:
        raise ShardAccessError(path, "is a folder, not a file", f"remove it, and {run_again(kind)}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ShardAccessError(path, f"cannot be read ({reason})", FIXES.get(error.errno or 0, ANY_FIX)) from error


def open_file(path: Path, kind: str) -> tuple[FileIO, Identity]:
    """Open a plain file for ``read_bytes``. It may be a link to a plain file.

    Args:
        path: The file.
        kind: Kind of its set, for the error message.

    Raises:
        ShardAccessError: If it cannot be opened, or is anything but a plain file.
    """
    try:
        stream = FileIO(path, opener=_open_without_waiting)
        status = os.fstat(stream.fileno())
    except OSError:
        with truthful_errors(path, kind):
            raise
    if not stat.S_ISREG(status.st_mode):
        stream.close()
        raise ShardAccessError(path, "is a pipe or a device, not a file", f"remove it, and {run_again(kind)}")
    return stream, Identity(status.st_dev, status.st_ino, status.st_size)


def read_bytes(stream: FileIO, kind: str, start: int, size: int) -> np.ndarray:
    """Read bytes at a place of a file that ``open_file`` opened.

    A process that forks shares the position in its open files with its children, so the position is neither used nor moved.

    Args:
        stream: The open file.
        kind: Kind of its set, for the error message.
        start: Place of the first byte.
        size: Number of bytes.

    Returns:
        (size,) uint8.

    Raises:
        ShardError: If the file ends earlier.
        ShardAccessError: If the disk or the network fails.
    """
    found, done = np.empty(size, np.uint8), 0
    try:
        while done < size:  # once, unless there are gigabytes
            number = _read_into(stream, found[done:] if done else found, start + done)
            if not number:
                raise ShardError(Path(stream.name), "ended while it was read", run_again(kind))
            done += number
    except OSError:
        with truthful_errors(Path(stream.name), kind):
            raise
    return found


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file. Opening a pipe would wait for a writer otherwise."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_into(stream: FileIO, found: np.ndarray, start: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(stream.fileno(), [found.data], start)
    stream.seek(start)  # Windows, where no process forks
    return stream.readinto(found.data) or 0
