"""Locks that end with their process, also where the file system has none (ENOLCK, ENOSYS: some network file systems).

There, a file that names its process stands for the lock. A later run on the same machine removes it once that process has
ended.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, SoftFileLock

if sys.platform != "win32":
    import fcntl

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


def has_locks(file: Path) -> bool:
    """Tell whether the file system has both kinds of locks: of whole files (flock), and of ranges (fcntl), as SQLite uses.

    Args:
        file: A file there; it is made if necessary.
    """
    if sys.platform == "win32":  # whose file systems all have locks
        return True
    with file.open("a") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(opened, fcntl.LOCK_UN)
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in NO_LOCKS
    return True


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock in a with block.

    Args:
        lock: The file of the lock. Without locks of the file system, ``soft_lock(lock)`` stands for it.

    Raises:
        filelock.Timeout: If another process holds the lock.
    """
    if has_locks(lock):
        with FileLock(lock, blocking=False):
            yield
        return
    sys.stderr.write(f"{lock.parent} has no file locks: {soft_lock(lock).name} stands for the lock\n")
    with SoftFileLock(soft_lock(lock), blocking=False):
        yield


def soft_lock(lock: Path) -> Path:
    """Return the file that stands for a lock where there are none; it exists only while the lock is held."""
    return lock.with_name(f"{lock.name.removesuffix('.lock')}.soft.lock")
