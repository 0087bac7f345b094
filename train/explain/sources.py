"""Find what is to be explained: photos, folders of photos, tables of photos, and videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.folders.folder_tree import read_tree
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver, counted
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest
from train.explain.outputs.picture_files import is_own_picture

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"}


@dataclass(frozen=True)
class Source:
    """A photo or a video.

    Attributes:
        name: The path as the user gave it, or below the folder or table that he gave; bytes that are not UTF-8 are written
            as ``\\udcff``.
        path: The file.
        is_video: Whether it is a video.
    """

    name: str
    path: Path
    is_video: bool = False

    def digest(self) -> str:
        """Return the digest of the file's content; empty if it cannot be read."""
        try:
            return file_digest(self.path) if self.path.is_file() else ""  # a FIFO could wait for ever
        except OSError:
            return ""


def find_sources(paths: Sequence[Path]) -> tuple[list[Source], list[str]]:
    """Find the photos and videos that paths mean, in the order of the paths, and in folders in that of the names.

    Args:
        paths: Photos, videos, folders, which are read at any depth, and CSV tables with a column ``image``, whose paths are
            relative to the table's folder.

    Returns:
        The sources, each once, and lines on what was passed over.

    Raises:
        InputError: If a path does not exist, or a folder or table holds neither photo nor video.
    """
    found: dict[Path, Source] = {}
    notes: list[str] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist: give photos, videos, folders, or a table with a column image")
        if path.is_dir():
            inside, lines = _in_folder(path)
            notes += lines
        else:
            inside = _in_table(path) if path.suffix.casefold() == ".csv" else [_source(path.as_posix(), path)]
        for source in inside:
            found.setdefault(source.path.absolute(), source)
    return list(found.values()), notes


def _in_folder(folder: Path) -> tuple[list[Source], list[str]]:
    """The photos and videos of a folder, and lines on the rest."""
    passed = PassedOver()
    inner = list(read_tree(folder, passed).walk())
    files = sorted(each.path / name for each in inner for name in each.files)
    known = [file for file in files if file.suffix.casefold() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    others = [file for file in files if file.suffix.casefold() not in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    own = [file for file in known if is_own_picture(file)]
    unreadable = [f"{_printable(each.path / name)} ({why})" for each in inner for name, why in each.unreadable.items()]
    sources = [_source(file.as_posix(), file) for file in known if not is_own_picture(file)]
    if not sources:
        instead = f" (but {counted(len(others), 'other file')}, e.g. {_printable(others[0])})" if others else ""
        raise InputError(f"{folder} holds no photo and no video{instead}: name a folder that does")
    lines = passed.lines()
    for number, what, example in (
        (len(others), "that may be neither photo nor video", others),
        (len(own), "that aucue explain drew", own),
        (len(unreadable), "that cannot be read", unreadable),
    ):
        if number:
            lines.append(f"passed over: {counted(number, 'file')} {what}, e.g. {_printable(example[0])}")
    return sources, lines


def _in_table(table: Path) -> list[Source]:
    listed = [row["image"] for _, row in rows(table, filled=("image",))]
    return [_source(written, written_paths.find(table.parent, written)) for written in listed]


def _source(name: str, path: Path) -> Source:
    return Source(_printable(name), path, path.suffix.casefold() in VIDEO_SUFFIXES)


def _printable(name: str | Path) -> str:
    return str(name).encode(errors="backslashreplace").decode()
