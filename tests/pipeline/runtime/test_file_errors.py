import errno
import os
from pathlib import Path

import pytest

from pipeline.runtime.file_errors import describe, naming, system_error


def error_of(number, *files):
    return OSError(number, os.strerror(number), *files)


def test_an_error_without_a_file_gets_its_name():
    with pytest.raises(OSError, match=r"'data/faces'$"), naming(Path("data/faces")):
        raise error_of(errno.EIO)
    with pytest.raises(OSError, match=r"'other'$"), naming(Path("data/faces")):
        raise error_of(errno.EIO, "other")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            error_of(errno.ENOSPC, "a"),
            "No space left on device: a: free some space on that disk, then run the command again",
        ),
        (error_of(errno.EACCES, "a"), "Permission denied: a: change its permissions, or name another place"),
        (error_of(errno.ENOENT, "a"), "No such file or directory: a"),
        (error_of(errno.EEXIST, "a/b"), "File exists: a/b: a file is where a folder should be: name another place"),
        (error_of(errno.EISDIR, "a"), "Is a directory: a: name a file"),
        (
            error_of(errno.ENOTDIR, "a/b"),
            "Not a directory: a/b: a part of this path is a file, not a folder: name another place",
        ),
        (error_of(errno.EAGAIN), "Resource temporarily unavailable"),
        (OSError("one line\nand another"), "one line"),
    ],
)
def test_a_message_is_one_line_with_file_and_fix(error, line):
    assert describe(error) == line


def test_no_full_disk_goes_without_a_file():
    assert describe(error_of(errno.ENOSPC)).startswith("No space left on device: standard output, or a file that")


def test_the_error_in_a_librarys_text():
    found = system_error(ValueError("I/O error: No space left on device (os error 28)"))
    assert (found.errno, found.strerror) == (errno.ENOSPC, "No space left on device")
    assert system_error(ValueError("shape mismatch")) is None
