"""Decode a video frame by frame, with the time of each frame."""

import errno
import math
import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

EARLY = 1e-3  # seconds by which a frame may come before its time: video times are whole milliseconds
SLACK = 2  # frames by which a video's own count may be wrong
QUIET = {"OPENCV_FFMPEG_LOGLEVEL": "-8"}  # a row says what is wrong with a damaged video; OpenCV reads no other setting


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
    if not path.is_file():  # a FIFO could wait for ever
        raise ValueError("not a regular file" if path.exists() else os.strerror(errno.ENOENT))
    capture = _opened(path)
    try:
        count, number, due = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0, 0.0
        while capture.grab():
            time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if time >= due - EARLY:
                due += every * max(1, math.ceil((time - due + EARLY) / every)) if every else 0
                is_wanted = wanted is None or number in wanted
                yield Frame(number, time, _retrieved(capture, number) if is_wanted else None)
            number += 1
        if number < count - SLACK:
            raise ValueError(f"the video ends after {number:,} of {count:,} frames")
        if not number:
            raise ValueError("the video has no frame that can be read")
    finally:
        capture.release()


def _opened(path: Path) -> cv2.VideoCapture:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        capture = cv2.VideoCapture(str(path))
    except UnicodeError as error:
        raise ValueError("OpenCV opens only names in UTF-8: rename the file") from error
    if not capture.isOpened():
        raise ValueError("not a video that OpenCV can read")
    return capture


def _retrieved(capture: cv2.VideoCapture, number: int) -> np.ndarray:
    done, image = capture.retrieve()
    if not done:
        raise ValueError(f"frame {number:,} cannot be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
