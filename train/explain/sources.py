"""Find what is to be explained: photos, folders of photos, tables of photos, and videos with their frames."""

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.common.folders.folder_tree import read_tree
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver
from pipeline.runtime.errors import InputError

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"}
EARLY = 1e-3  # seconds by which a frame may come before its time: video times are whole milliseconds
SLACK = 2  # frames by which a video's own count may be wrong


@dataclass(frozen=True)
class Source:
    """A photo or a video.

    Attributes:
        name: The path as the user gave it, or below the folder or table that he gave.
        path: The file.
        is_video: Whether it is a video.
    """

    name: str
    path: Path
    is_video: bool = False


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        number: Its number in the video, from 0.
        time: Seconds from the first frame, as the video gives them.
        image: (h, w, 3) uint8 RGB; None for a frame that the caller did not ask for.
    """

    number: int
    time: float
    image: np.ndarray | None


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
            passed = PassedOver()
            inside = _in_folder(path, passed)
            notes += passed.lines()
            if not inside:
                raise InputError(f"{path} holds no photo and no video: name a folder that does")
        else:
            inside = _in_table(path) if path.suffix.casefold() == ".csv" else [_source(path.as_posix(), path)]
        for source in inside:
            found.setdefault(source.path.absolute(), source)
    return list(found.values()), notes


def frames(path: Path, every: float = 0.0, wanted: Container[int] | None = None) -> Iterator[Frame]:
    """Decode a video frame by frame. Memory does not grow with its length.

    Args:
        path: The video.
        every: Seconds between two frames; 0 for all frames.
        wanted: Numbers of frames whose images are wanted; None for all.

    Yields:
        The frames, upright as the video's own rotation says.

    Raises:
        ValueError: If the file is no video, or ends before its own number of frames. The message is a reason.
    """
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise ValueError("not a video that OpenCV can read")
        count, number, due = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0, 0.0
        while capture.grab():
            time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if time >= due - EARLY:
                due += every * max(1, math.ceil((time - due + EARLY) / every)) if every else 0
                is_wanted = wanted is None or number in wanted
                yield Frame(number, time, _retrieved(capture) if is_wanted else None)
            number += 1
        if number < count - SLACK:
            raise ValueError(f"the video ends after {number:,} of {count:,} frames")
        if not number:
            raise ValueError("the video has no frame that can be read")
    finally:
        capture.release()


def _retrieved(capture: cv2.VideoCapture) -> np.ndarray:
    done, image = capture.retrieve()
    if not done:
        raise ValueError("a frame cannot be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _in_folder(folder: Path, passed: PassedOver) -> list[Source]:
    tree = read_tree(folder, passed)
    files = sorted(inner.path / name for inner in tree.walk() for name in inner.files)
    return [_source(file.as_posix(), file) for file in files if file.suffix.casefold() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]


def _in_table(table: Path) -> list[Source]:
    listed = [row["image"] for _, row in rows(table, filled=("image",))]
    return [_source(written, written_paths.find(table.parent, written)) for written in listed]


def _source(name: str, path: Path) -> Source:
    return Source(name, path, path.suffix.casefold() in VIDEO_SUFFIXES)
