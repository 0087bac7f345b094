"""Finished work that later runs resume, in ``data/.cache``, which outlives a killed run and DVC's removal of outputs.

Every result is stored under the SHA-256 of everything that decides it (content of the photo, parameters, model file), in a
folder named by a digest of the code. Therefore no result there can be stale, and deleting any of them costs only time. Each
use of a result is recorded; ``aucue cache prune`` removes the results that have not been used for a while.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.row_database import naming_rows, open_rows
from pipeline.runtime.outputs.files import atomic

COMMIT_SECONDS = 1.0  # work that a kill can cost
SECONDS_PER_DAY = 86400
RENEWAL_SECONDS = 3600.0  # how exactly the last use of a row is known: recording each use takes a third of the time of a row
CODE_FOLDER = re.compile(r"[0-9a-f]{16}")  # named by the digest of the code
SHARD_FILE = re.compile(r"[0-9a-f]{64}\.h5|\.[0-9a-f]{64}\.h5\.\d+\.tmp")  # the second form is left by a killed run
SOURCES = Path(__file__).parents[3]  # holds pipeline/ and train/
CODE = {".py", ".csv", ".yaml", ".j2"}  # suffixes of the files that count
# Libraries whose version may change an output byte, under the names that they are installed by.
LIBRARIES = ("dlib", "dlib-bin", "h5py", "numpy", "opencv-python", "opencv-python-headless", "pillow")


@cache
def source_digest(rooms: tuple[str, ...]) -> str:
    """Digest the code that decides a stage's output: the one rule for stale results.

    The same folders are the stage's code dependencies in dvc.yaml, so that DVC applies the same rule.

    Args:
        rooms: Folders or files of code, relative to the folder that holds ``pipeline`` and ``train``. Every file in them
            counts but Markdown pages.

    Returns:
        SHA-256 of the content of these files and of the versions of the libraries that they compute with, as hexadecimal
        text.
    """
    digest = hashlib.sha256()
    for room in rooms:
        path = SOURCES / room
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in CODE and not file.name.startswith("."):
                digest.update(f"{file.relative_to(SOURCES).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    digest.update(json.dumps([_version(name) for name in LIBRARIES]).encode())
    return digest.hexdigest()


def work_folder(cache: Path | None, rooms: tuple[str, ...]) -> Path | None:
    """Return the folder in ``cache`` for the finished work of this code (see ``source_digest``); None without a cache."""
    return cache / source_digest(rooms)[:16] if cache else None


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def json_digest(*parts: object) -> str:
    """Return the SHA-256 of plain data, written as JSON with sorted keys, as hexadecimal text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class RowCache:
    """Finished rows of a stage, by key, as JSON in one SQLite file. A row is there as a whole or not at all.

    A context manager: the rows are committed about once a second and at the end of the with block.
    """

    def __init__(self, folder: Path | None, stage: str) -> None:
        """Name the file.

        Args:
            folder: A ``work_folder``; if it is None, the rows last only as long as this object.
            stage: Name of the stage, which names the file.
        """
        self._path = folder / f"{stage}.sqlite" if folder else None

    def __enter__(self) -> "RowCache":
        with ExitStack() as held, naming_rows(self._path):
            self._database = held.enter_context(closing(open_rows(self._path, held)))
            self._known = {key for (key,) in self._database.execute("SELECT key FROM rows")}
            self._begin()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        # An error that is on its way says more than a second one.
        with self._held, suppress(sqlite3.Error) if kind else naming_rows(self._path):
            self._database.commit()

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def recall(self, key: str) -> list:
        """Return the row of a key that is in the cache, and record its use, if none was recorded in the last hour."""
        with naming_rows(self._path):
            ((row, used),) = self._database.execute("SELECT row, used FROM rows WHERE key = ?", (key,)).fetchall()
            now = time.time()
            if not used <= now < used + RENEWAL_SECONDS:
                self._database.execute("UPDATE rows SET used = ? WHERE key = ?", (now, key))
        return json.loads(row)

    def keep(self, key: str, row: list) -> None:
        """Store a finished row, plain data for JSON, under a key."""
        with naming_rows(self._path):
            self._database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (key, json.dumps(row), time.time()))
            self._known.add(key)
            if time.monotonic() - self._begun > COMMIT_SECONDS:
                self._database.commit()
                self._begin()

    def _begin(self) -> None:
        """Begin a transaction. Outside of one, SQLite would lock and unlock the file for each row that is read."""
        self._database.execute("BEGIN")
        self._begun = time.monotonic()


class ShardCache:
    """Finished shards of one kind, each a file named by its key. Iterating gives the files, sorted by key."""

    def __init__(self, folder: Path | None, kind: str) -> None:
        """Name the folder.

        Args:
            folder: A ``work_folder``; if it is None, the cache stays empty.
            kind: Kind of the shards, which names the folder in it.
        """
        self._folder = folder / kind if folder else None

    def __iter__(self) -> Iterator[Path]:
        return iter(sorted(self._folder.glob("*.h5")) if self._folder else ())

    def find(self, key: str) -> Path | None:
        """Return the file of a key and record its use, or return None if there is no such file."""
        file = self._folder / f"{key}.h5" if self._folder else None
        if file is None or not file.is_file():
            return None
        with suppress(OSError):  # some file systems keep no times
            os.utime(file)
        return file

    def keep(self, key: str, file: Path) -> None:
        """Store a finished file, which must never be changed again, under a key."""
        if self._folder:
            link(file, self._folder / f"{key}.h5")


def link(source: Path, target: Path) -> None:
    """Make ``target`` a hard link to ``source``, or a copy where the file system has no hard links."""
    with atomic(target, durable=False) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def prune(folder: Path, unused_days: float) -> tuple[int, int]:
    """Remove the finished work that no run has used for some days.

    Files that are not finished work are not touched, whatever the folder.

    Args:
        folder: Folder of the cache, ``data/.cache``.
        unused_days: Age of the last use, in days, from which a row or shard is removed.

    Returns:
        The number of rows and shards that were removed, and the number of bytes that became free.

    Raises:
        InputError: If the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"there is no cache {folder}: give the cache's folder, data/.cache by default")
    before, oldest, removed = _size(folder), time.time() - unused_days * SECONDS_PER_DAY, 0
    code_folders = [path for path in folder.iterdir() if CODE_FOLDER.fullmatch(path.name)]
    for database in (file for path in code_folders for file in path.glob("*.sqlite")):
        with naming_rows(database), ExitStack() as held:
            connection = held.enter_context(closing(open_rows(database, held)))
            removed += connection.execute("DELETE FROM rows WHERE used <= ?", (oldest,)).rowcount
            connection.commit()
            connection.execute("VACUUM")
    for shard in (file for path in code_folders for file in path.glob("*/*") if SHARD_FILE.fullmatch(file.name)):
        if shard.stat().st_mtime <= oldest:
            shard.unlink()
            removed += 1
    return removed, before - _size(folder)


def _size(folder: Path) -> int:
    """Add up the bytes of the files that have no other hard link."""
    sizes = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(file.st_size for file in sizes if file.st_nlink == 1)
