"""Where outputs really are: links are followed, and a disk or a mount of its own is no obstacle."""

import errno
import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file that is a mount of its own, or a file system where nothing can be renamed to an existing name.
CANNOT_REPLACE = {errno.EBUSY, errno.EXDEV, errno.EEXIST}
ELSEWHERE = {errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}  # nothing beside a folder can be renamed into it


def real_path(path: Path) -> Path:
    """Return where an output really is: the end of its links.

    A link to a file that nobody may write stays itself: so DVC's links into its cache are replaced, and the cache is not
    written to.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_file() and not target.stat().st_mode & stat.S_IWUSR:
        return path
    return target


def remove_output(path: Path) -> None:
    """Remove a file if it exists. A link to it stays, so that the next file is written to the same place."""
    real_path(path).unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents if necessary, also those that links lead to."""
    Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)


def building_folder(folder: Path) -> Path:
    """Make an empty hidden folder in which the files of an output folder are built, whence they can be renamed.

    It is beside the output, wherever links lead, or in it if that is a disk or a mount of its own.

    Args:
        folder: The output; it need not exist.

    Raises:
        OSError: If it cannot be made; the error names the output.
    """
    real = Path(os.path.realpath(folder))
    beside, inside = (place / f".{real.name}.partial" for place in (real.parent, real))
    with naming_output(beside, folder), naming_output(inside, folder):
        for leftover in (beside, inside):  # of a killed writer
            shutil.rmtree(leftover, ignore_errors=True)
        make_folder(real.parent)
        if not real.is_dir():
            beside.mkdir()
            return beside
        return _beside_or_inside(beside, inside)


def _beside_or_inside(beside: Path, inside: Path) -> Path:
    try:
        beside.mkdir()
        (beside / inside.name).mkdir()
        (beside / inside.name).rename(inside)  # a trial
    except OSError as error:
        if error.errno not in ELSEWHERE:
            raise
        shutil.rmtree(beside, ignore_errors=True)
        inside.mkdir()
        return inside
    inside.rmdir()
    return beside


@contextmanager
def naming_output(building: Path, folder: Path) -> Iterator[None]:
    """Give every file error of the with block that names a file in ``building`` the file's final path in ``folder``."""
    try:
        yield
    except OSError as error:
        name_output(error, building, folder)
        raise


def name_output(error: OSError, building: Path, folder: Path) -> None:
    """Give a file error that names a file in ``building`` the file's final path in ``folder``, which a user knows.

    An error that says that ``building`` itself is in the way keeps its name.
    """
    file = Path(os.fsdecode(error.filename or ""))
    if file.is_relative_to(building) and not isinstance(error, FileExistsError):
        error.filename = str(folder / file.relative_to(building))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C and SIGTERM off until a with block has ended: half of its files would be of no use.

    Python runs its handlers in the main thread alone, so other threads are not interrupted anyway. Blocking the signals
    would not do: another thread of the process would take them for the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not None]
    earlier = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def move(file: Path, target: Path) -> None:
    """Move a finished file to its final place, and replace an earlier file there."""
    try:
        file.replace(target)
    except OSError as error:
        if error.errno not in CANNOT_REPLACE:
            raise
        shutil.copyfile(file, target)
