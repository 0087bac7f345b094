"""Read a tree of folders: photos and other files, without clutter, through links to folders."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.ingest.datasets.common.folders.clutter import is_clutter
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver

NO_TARGET = "a link whose target does not exist"


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder with all that is below it.

    Attributes:
        path: The folder, through the links that led to it.
        folders: The folders in it, by name.
        files: The names of the files in it, sorted.
        unreadable: Name of a folder or link in it that cannot be followed -> the reason.
        has_photos: Whether it holds an image at any depth.
    """

    path: Path
    folders: dict[str, "Folder"]
    files: list[str]
    unreadable: dict[str, str]
    has_photos: bool

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.name

    @property
    def photos(self) -> list[Path]:
        """The images directly in the folder."""
        return [self.path / name for name in self.files if is_image(name)]

    def walk(self) -> Iterator["Folder"]:
        """Yield the folder and all folders below it."""
        yield self
        for folder in self.folders.values():
            yield from folder.walk()

    def count_files(self) -> int:
        """Count the files at any depth."""
        return sum(len(folder.files) for folder in self.walk())


def is_image(name: str) -> bool:
    """Return whether a file name has the suffix of an image."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def read_tree(root: Path, passed: PassedOver) -> Folder:
    """Read the tree below a folder.

    Links to folders are followed, Windows junctions too, unless they lead to a folder around them.

    Args:
        root: The folder. Its own name, and the names of the folders around it, may be any.
        passed: Counts clutter and the links that lead back.

    Raises:
        OSError: If ``root`` itself cannot be listed.
    """
    return _read(root, _list(root), (), passed)


def _list(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _read(path: Path, entries: list[os.DirEntry[str]], around: tuple[str, ...], passed: PassedOver) -> Folder:
    around = (*around, _resolved(path))
    folders, files, unreadable = {}, [], {}
    for entry in entries:
        name = entry.name
        if is_clutter(name):
            passed.clutter[name] += count_clutter(entry)
        elif is_folder(entry):
            child = path / name
            if _leads_back(_resolved(child), around):
                passed.loops.append(child.as_posix())
                continue
            try:
                folders[name] = _read(child, _list(child), around, passed)
            except OSError as error:
                unreadable[name] = f"the folder cannot be read: {error.strerror}"
        elif is_image(name) or not entry.is_symlink() or os.path.exists(entry.path):  # noqa: PTH110
            files.append(name)
        else:
            unreadable[name] = NO_TARGET
    has_photos = any(map(is_image, files)) or any(folder.has_photos for folder in folders.values())
    return Folder(path, folders, files, unreadable, has_photos)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _resolved(folder: Path) -> str:
    return os.path.normcase(os.path.realpath(folder))


def _leads_back(target: str, around: tuple[str, ...]) -> bool:
    """Whether a folder is one of the folders around it, or holds one of them."""
    return any((folder + os.sep).startswith(target.rstrip(os.sep) + os.sep) for folder in around)


def count_clutter(entry: os.DirEntry[str]) -> int:
    """Return the number of files that an entry of clutter holds or is."""
    if entry.is_symlink() or not entry.is_dir():
        return 1
    return sum(len(files) for _, _, files in os.walk(entry.path))
