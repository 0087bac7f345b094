"""The faces that a codebook is shown on: the mean face, and some of a folder of face shards."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from pipeline.codebook import draw
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.rendering.renderer import to_frame
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet

MOST = 6  # faces of a folder
MEAN = "mean"  # name of the mean face
LINE = (128, 128, 128, 255)  # is seen on light and on dark pages
ENLARGED = 2  # pixels of the mean face's picture per pixel of its frame


@dataclass(frozen=True, eq=False)
class Face:
    """A face to draw on. Each is itself alone, so that pictures can be kept by it.

    Attributes:
        title: Its name for people.
        landmarks: (68, 2) in pixels of a frame of ``draw.SIDE``.
        picture: The face as PNG.
    """

    title: str
    landmarks: np.ndarray
    picture: bytes

    def in_frame(self, size: int) -> np.ndarray:
        """Scale the landmarks to a frame of ``size`` pixels, (1, 68, 2)."""
        return to_frame(self.landmarks[None], draw.SIDE, size)

    def batch(self, size: int, whole_pixels: bool) -> LandmarkBatch:
        """Arrange the landmarks in a frame of ``size`` pixels as the renderer does."""
        return LandmarkBatch.create(self.in_frame(size), np.full((1, 2), float(size)), whole_pixels)


class Faces:
    """The faces by their names. Those of the folder are read when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing = ""  # why there are no faces but the mean face

    @cached_property
    def by_name(self) -> dict[str, Face]:
        """All faces, the mean face first."""
        landmarks = draw.mean_landmarks()
        faces = {MEAN: Face("Mean face", landmarks, _picture_of_lines(landmarks))}
        try:
            sample = draw.sample_faces(self.folder, MOST)
        except InputError as error:
            self.missing = str(error)
            return faces
        for number, (image, points) in enumerate(sample, 1):
            faces[str(number)] = Face(f"Face {number}", points, encode_png(image[..., ::-1]))
        return faces

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of the folder's faces; none without a folder."""
        try:
            shards = ShardSet(self.folder, "faces")
        except InputError:
            return frozenset()
        return frozenset(shards.column("label")[shards.column("status") == Status.OK].tolist())

    def get(self, name: object) -> Face:
        """Return the face of that name.

        Raises:
            InputError: If there is none.
        """
        face = self.by_name.get(name) if isinstance(name, str) else None
        if face is None:
            raise InputError(f"there is no face {name!r}: choose one of {', '.join(self.by_name)}")
        return face


def encode_png(image: np.ndarray) -> bytes:
    """Encode an image (h, w), (h, w, 3) BGR or (h, w, 4) BGRA uint8 as PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def _picture_of_lines(landmarks: np.ndarray) -> bytes:
    """The face as lines through its landmarks on a transparent picture."""
    canvas = np.zeros((draw.SIDE * ENLARGED, draw.SIDE * ENLARGED, 4), np.uint8)
    points = to_frame(landmarks, draw.SIDE, draw.SIDE * ENLARGED)
    for line in draw.FACE_LINES:
        path = np.rint(points[list(line)] * 16).astype(np.int32)  # in sixteenths of a pixel
        cv2.polylines(canvas, [path], isClosed=False, color=LINE, thickness=2, lineType=cv2.LINE_AA, shift=4)
    return encode_png(canvas)
