"""Files appear under their final name only when they are whole."""

import glob
import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.runtime.errors import InputError

UMASK = os.umask(0)  # it is read by being set
os.umask(UMASK)


@contextmanager
def atomic(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it to disk and rename it, on failure remove it. Who may read
    it is the umask's choice, whatever wrote it, but for a link.

    ``durable=False`` leaves the flush to the system: for thousands of small files whose index is written last.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
        if temporary.stat().st_nlink == 1:  # a link's source keeps its own
            temporary.chmod(0o666 & ~UMASK)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on an output, a hidden file beside it. It ends with its process, however that ends.

    Raises InputError that names the holder, where another process has it: of a killed `dvc`, the stage may live on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, holder = (path.with_name(f".{path.name}.{suffix}") for suffix in ("lock", "holder"))
    try:
        with FileLock(lock, blocking=False):
            started = datetime.now().astimezone().isoformat(timespec="seconds")
            holder.write_text(
                json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": started, "command": sys.argv[:2]})
            )
            for half in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):  # of a killed writer
                half.unlink()
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        raise InputError(f"{path} is being written by {_named(holder)}: wait for its end, or stop it") from None


def _named(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text())
        return f"process {who['pid']} on {who['host']} (since {who['started']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
