"""Finished work that a later run takes up again: ``data/.cache``, which outlives a killed run and DVC's removal of outputs.

Everything is found by the SHA-256 of all that decides it (content of the photo, parameters, model file) in a folder that is
named by the code. So nothing there can be stale, and deleting any of it costs time alone. What a run uses is touched;
``aucue cache prune`` removes what has not been for a while.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic

COMMIT_SECONDS = 1.0  # of work that a kill can cost
OF_CODE = re.compile(r"[0-9a-f]{16}")  # a folder's name: the code's digest
OF_PAGE = re.compile(r"[0-9a-f]{64}\.h5|\.[0-9a-f]{64}\.h5\.\d+\.tmp")  # the latter of a killed run
SOURCES = Path(__file__).parents[2]  # holds pipeline/ and train/
NO_CODE = {".md", ".pyc"}  # as in .dvcignore
# Whose version may change a byte, under the names that they are installed by.
LIBRARIES = ("dlib", "dlib-bin", "h5py", "numpy", "opencv-python", "opencv-python-headless", "pillow")


@cache
def source_digest(rooms: tuple[str, ...]) -> str:
    """Digest the code that decides a stage's output: the one rule for what is stale.

    The same folders are the stage's code dependencies in dvc.yaml, so that DVC asks the same question.

    Args:
        rooms: Folders or files of code, relative to the folder that holds ``pipeline`` and ``train``. Everything in them
            counts but Markdown pages.

    Returns:
        SHA-256, as hexadecimal text, over the content of these files and the versions of the libraries they compute with.
    """
    digest = hashlib.sha256()
    for room in rooms:
        path = SOURCES / room
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.suffix not in NO_CODE:
                digest.update(f"{file.relative_to(SOURCES).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    digest.update(json.dumps([_version(name) for name in LIBRARIES]).encode())
    return digest.hexdigest()


def work_folder(cache: Path | None, rooms: tuple[str, ...]) -> Path | None:
    """The part of ``cache`` that holds finished work of just this code (see ``source_digest``); None without a cache."""
    return cache / source_digest(rooms)[:16] if cache else None


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def key(*parts: object) -> str:
    """SHA-256 over plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class RowCache:
    """A stage's finished rows as JSON, by key, in one SQLite file: a row is there as a whole or not at all."""

    def __init__(self, folder: Path | None, stage: str) -> None:
        """``folder`` is a ``work_folder``; without one the rows last as long as this object."""
        self._path = folder / f"{stage}.sqlite" if folder else None

    def __enter__(self) -> "RowCache":
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._database = self._opened()
        self._known = {key for (key,) in self._database.execute("SELECT key FROM rows")}
        self._committed = time.monotonic()
        return self

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._with_table()
        except sqlite3.DatabaseError:  # not a database: all it costs is time
            self._path.unlink()
            return self._with_table()

    def _with_table(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path or ":memory:")
        database.execute("CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, row TEXT, used REAL) WITHOUT ROWID")
        return database

    def __exit__(self, *error: object) -> None:
        with closing(self._database):
            self._database.commit()

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def recall(self, key: str) -> list:
        """The row of a key that is here."""
        ((row,),) = self._database.execute("SELECT row FROM rows WHERE key = ?", (key,)).fetchall()
        self._database.execute("UPDATE rows SET used = ? WHERE key = ?", (time.time(), key))
        return json.loads(row)

    def keep(self, key: str, row: list) -> None:
        """Keep a finished row, plain data, under a key."""
        self._database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (key, json.dumps(row), time.time()))
        self._known.add(key)
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self._database.commit()
            self._committed = time.monotonic()


class ShardCache:
    """Finished shards of one kind, a file each, named by key."""

    def __init__(self, folder: Path | None, kind: str) -> None:
        self._folder = folder / kind if folder else None

    def __iter__(self) -> Iterator[Path]:
        return iter(sorted(self._folder.glob("*.h5")) if self._folder else ())

    def find(self, key: str) -> Path | None:
        """The page of a key, if there is one."""
        page = self._folder / f"{key}.h5" if self._folder else None
        if page is None or not page.is_file():
            return None
        os.utime(page)
        return page

    def keep(self, key: str, file: Path) -> None:
        """Keep a finished file, which is never changed any more, as the page of a key."""
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            link(file, self._folder / f"{key}.h5")


def link(source: Path, target: Path) -> None:
    """``target`` becomes the same file as ``source``, or a copy where the file system has no links."""
    with atomic(target, durable=False) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def prune(folder: Path, unused_days: float) -> tuple[int, int]:
    """Remove what no run has used for so many days; returns how many rows and pages, and how many bytes.

    Touches nothing but what a cache holds, whatever the folder. Raises InputError where there is none.
    """
    if not folder.is_dir():
        raise InputError(f"there is no cache {folder}: give its folder, data/.cache by default")
    before, oldest, removed = _size(folder), time.time() - unused_days * 86400, 0
    ours = [path for path in folder.iterdir() if OF_CODE.fullmatch(path.name)]
    for database in (file for path in ours for file in path.glob("*.sqlite")):
        with closing(sqlite3.connect(database)) as connection:
            removed += connection.execute("DELETE FROM rows WHERE used <= ?", (oldest,)).rowcount
            connection.commit()
            connection.execute("VACUUM")
    for page in (file for path in ours for file in path.glob("*/*") if OF_PAGE.fullmatch(file.name)):
        if page.stat().st_mtime <= oldest:
            page.unlink()
            removed += 1
    return removed, before - _size(folder)


def _size(folder: Path) -> int:
    """Bytes of files that are nowhere else."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(file.st_size for file in found if file.st_nlink == 1)
