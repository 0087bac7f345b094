"""Write files so that they appear under their final names only when they are complete."""

import errno
import glob
import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path

from filelock import Timeout

from pipeline.runtime.errors import InputError
from pipeline.runtime.file_errors import naming
from pipeline.runtime.outputs.locks import exclusive, soft_lock
from pipeline.runtime.outputs.places import make_folder, move, real_path

UMASK = os.umask(0)  # the only way to read the umask is to set it
os.umask(UMASK)
CANNOT_FLUSH = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM}  # of file systems without fsync


@contextmanager
def atomic(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename the file to ``path`` on success, and remove it on failure.

    If ``path`` is a link, the file that it leads to is replaced (see ``real_path``). The umask decides who may read the
    file, whatever permissions its writer chose. A hard link keeps the permissions of its source.

    Args:
        path: Final path. Its folder is made if necessary.
        durable: Whether to flush the file to disk before it is renamed. False leaves that to the system, for thousands of
            small files whose index is written last.

    Raises:
        FileNotFoundError: If the with block wrote no file.
        OSError: If the file cannot be written; the error names ``path``.
    """
    target = real_path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        make_folder(target.parent)
        yield temporary
        if durable:
            _flush(temporary)
        if temporary.stat().st_nlink == 1:
            with suppress(OSError):  # some file systems keep no permissions
                temporary.chmod(0o666 & ~UMASK)
        move(temporary, target)
    except OSError as error:
        if error.filename is None or str(temporary) in (str(error.filename), str(error.filename2)):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        try:
            os.fsync(written.fileno())
        except OSError as error:
            if error.errno not in CANNOT_FLUSH:
                raise


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal text."""
    with naming(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_digest(path: Path) -> str:
    """Return what ``file_digest`` returns, of a large file that rarely changes: it is read once in a process."""
    with naming(path):
        state = path.stat()
    return _model_digest(path.absolute(), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@cache
def _model_digest(path: Path, *_state: int) -> str:
    return file_digest(path)


@contextmanager
def locked(path: Path, *beside: Path) -> Iterator[None]:
    """Hold the lock on an output in a with block, and first remove the temporary files that a killed writer left.

    The lock is a hidden file beside the output, wherever links lead. It ends with the process, however the process ends (see
    ``pipeline.runtime.outputs.locks``).

    Args:
        path: The output.
        beside: Other files that its writer writes beside it.

    Raises:
        InputError: If another process holds the lock; the message names that process. A stage may outlive a killed `dvc`.
        OSError: If nothing can be written beside the output; the error names ``path``.
    """
    home = _home(path)
    place = home if home.is_dir() and not os.access(home.parent, os.W_OK) else home.parent  # around a mounted disk
    lock, holder = (place / f".{home.name}.{suffix}" for suffix in ("lock", "holder"))
    with ExitStack() as held:
        try:
            make_folder(home.parent)
            held.enter_context(exclusive(lock))
        except Timeout:
            raise InputError(_already_written(path, lock, holder)) from None
        except OSError as error:
            error.filename = str(path)
            raise
        with suppress(OSError):  # a full disk: the stage will name its own file
            started = datetime.now().astimezone().isoformat(timespec="seconds")
            facts = {"pid": os.getpid(), "host": socket.gethostname(), "started": started, "command": sys.argv[:2]}
            holder.write_text(json.dumps(facts))
        for output in (home, *beside):
            for leftover in output.parent.glob(f".{glob.escape(output.name)}.*.tmp"):
                leftover.unlink()
        try:
            yield
        finally:
            with suppress(OSError):
                holder.unlink()


def _home(path: Path) -> Path:
    """Where an output really is, if files can be made beside it there; else its path."""
    path = path if path.name else path.absolute()  # the working directory
    real = real_path(path)
    return real if os.access(real.parent, os.W_OK) else path


def _already_written(path: Path, lock: Path, holder: Path) -> str:
    try:
        facts = json.loads(holder.read_text())
        writer = f"process {facts['pid']} on {facts['host']} (since {facts['started']})"
    except (OSError, ValueError, KeyError, TypeError):
        writer = "another process"
    soft = soft_lock(lock)
    gone = f", or delete {soft} if it has ended" if soft.exists() else ""
    return f"{path} is being written by {writer}: wait until it ends, or stop it{gone}"
