"""Write files so that they appear under their final names only when they are complete."""

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

UMASK = os.umask(0)  # the only way to read the umask is to set it
os.umask(UMASK)


@contextmanager
def atomic(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename the file to ``path`` on success, and remove it on failure.

    The umask decides who may read the file, whatever permissions its writer chose. A hard link keeps the permissions of its
    source.

    Args:
        path: Final path. Its folder is made if necessary.
        durable: Whether to flush the file to disk before it is renamed. False leaves that to the system, for thousands of
            small files whose index is written last.

    Raises:
        FileNotFoundError: If the with block wrote no file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        if temporary.stat().st_nlink == 1:
            temporary.chmod(0o666 & ~UMASK)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on an output in a with block, and first remove the temporary files that a killed writer left.

    The lock is a hidden file beside the output. It ends with the process, however the process ends.

    Raises:
        InputError: If another process holds the lock; the message names that process. A stage may outlive a killed `dvc`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, holder = (path.with_name(f".{path.name}.{suffix}") for suffix in ("lock", "holder"))
    try:
        with FileLock(lock, blocking=False):
            started = datetime.now().astimezone().isoformat(timespec="seconds")
            holder.write_text(
                json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": started, "command": sys.argv[:2]})
            )
            for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
                leftover.unlink()
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        raise InputError(f"{path} is being written by {_describe_holder(holder)}: wait until it ends, or stop it") from None


def _describe_holder(holder: Path) -> str:
    try:
        facts = json.loads(holder.read_text())
        return f"process {facts['pid']} on {facts['host']} (since {facts['started']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
