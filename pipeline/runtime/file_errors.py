"""File errors in one line: every error names its file, and the message says how to go on."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIXES = {
    errno.ENOSPC: "free some space on that disk, then run the command again",
    getattr(errno, "EDQUOT", errno.ENOSPC): "free some space there, or ask for a larger quota, then run the command again",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`), or write to a file system without it",
    errno.EACCES: "change its permissions, or name another place",
    errno.EPERM: "change its permissions, or name another place",
    errno.EROFS: "name a place that can be written to",
    errno.EMFILE: "raise the limit on open files, for example `ulimit -n 4096`",
    errno.ENFILE: "close other programs, or let the system open more files (`sysctl fs.file-max`)",
    errno.ENOMEM: "free some memory, then run the command again",
    errno.ELOOP: "these links lead to each other: remove one",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOTDIR: "a part of this path is a file, not a folder: name another place",
    errno.EEXIST: "a file is where a folder should be: name another place",
    errno.EISDIR: "name a file",
}
UNNAMED = "standard output, or a file that the system does not name"
OS_ERROR = re.compile(r"\(os error (\d+)\)")  # the number of a system error in a message of a library written in Rust


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give every file error of the with block that names no file the name of ``path``: a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def describe(error: OSError) -> str:
    """Describe a file error in one line: the problem, the file and the fix."""
    problem = error.strerror or str(error).split("\n")[0]
    fix = FIXES.get(error.errno or 0)
    file = error.filename or (fix and UNNAMED)
    return ": ".join(str(part) for part in (problem, file, fix) if part)


def system_error(error: Exception) -> OSError | None:
    """Return the file error that a library of Rust put into the text of its own error, or None if there is none."""
    if found := OS_ERROR.search(str(error)):
        number = int(found[1])
        return OSError(number, os.strerror(number))
    return None
