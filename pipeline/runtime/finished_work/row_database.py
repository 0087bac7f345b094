"""Open the SQLite file of finished rows wherever it is: also without file locks, and never at the price of a run."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import SoftFileLock, Timeout

from pipeline.runtime.errors import InputError
from pipeline.runtime.messages import warn
from pipeline.runtime.outputs.locks import has_locks, soft_lock
from pipeline.runtime.outputs.places import make_folder

DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
CACHE_KIB = 256 * 1024  # most memory for pages: rows come in any order, and a million need 150 MB
TABLE = "CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, row TEXT, used REAL) WITHOUT ROWID"


def open_rows(path: Path | None, held: ExitStack) -> sqlite3.Connection:
    """Open a file of finished rows.

    A damaged file is replaced, which costs only time. If the file cannot be used, a line on stderr says so, and the rows
    last as long as the connection.

    Args:
        path: The file; it is made if necessary. None for rows in memory.
        held: Takes what has to be released after the connection is closed.

    Raises:
        OSError: If the disk is full, or the file may not grow.
    """
    if path is None:
        return _connect(":memory:")
    try:
        return _open_file(path, held)
    except (sqlite3.Error, OSError, Timeout) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        if cannot_grow := _growth_error(error, path):
            raise cannot_grow from error
        reason = "another run uses it" if isinstance(error, Timeout) else str(error)
        warn(f"{path} cannot be used ({reason}): this run keeps no finished work there")
        return _connect(":memory:")


def _open_file(path: Path, held: ExitStack) -> sqlite3.Connection:
    make_folder(path.parent)
    address = path.absolute().as_uri()
    if not has_locks(path):
        held.enter_context(SoftFileLock(soft_lock(path), blocking=False))
        address += "?nolock=1"
    try:
        return _connect(address)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in DAMAGED:
            raise
        path.unlink()
        return _connect(address)


def _connect(address: str) -> sqlite3.Connection:
    database = sqlite3.connect(address, uri=address != ":memory:")
    try:
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.execute(TABLE)
        database.execute("SELECT count(*) FROM rows").fetchone()  # walks all pages, and so finds a damaged one
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextmanager
def naming_rows(path: Path | None) -> Iterator[None]:
    """Turn the errors of a database in a with block into one line that names its file.

    Raises:
        OSError: If the disk is full, or the file may not grow.
        InputError: If the file cannot be used.
    """
    try:
        yield
    except sqlite3.Error as error:
        if path is None:
            raise
        if cannot_grow := _growth_error(error, path):
            raise cannot_grow from error
        fix = "run the command again; if that does not help, delete this file, which costs only time"
        raise InputError(f"{path}: {error}: {fix}") from error


def _growth_error(error: Exception, path: Path) -> OSError | None:
    """The file error of a full disk, or of a file that may not grow, which SQLite calls "disk I/O error"."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if code == sqlite3.SQLITE_IOERR_WRITE:
        return OSError(errno.EFBIG, "the file cannot grow (a limit on the size of files, or a full disk)", str(path))
    return None
