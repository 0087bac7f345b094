"""Lengths, centres and axes of a codebook's shapes, measured on the landmarks of many faces at once.

Coordinates and the order of axes are those of ``grid``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.codebook.geometry import Centre, Length

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


@dataclass(frozen=True)
class LandmarkBatch:
    """The landmarks of N faces.

    Attributes:
        points: Landmarks in pixels, (68, 2, N) float64.
        sizes: (width, height) of the frames in pixels, (2, N), or (2, 1) if all are alike.
        whole_pixels: Whether means and halves of landmarks are truncated and other lengths rounded, as in the released code.
    """

    points: np.ndarray
    sizes: np.ndarray
    whole_pixels: bool

    @classmethod
    def create(cls, landmarks: np.ndarray, sizes: np.ndarray, whole_pixels: bool) -> "LandmarkBatch":
        """Arrange landmarks (N, 68, 2) and sizes (N, 2), (height, width), in the order of axes of this room."""
        points = np.ascontiguousarray(landmarks.transpose(1, 2, 0))
        sizes = sizes[:1] if (sizes == sizes[:1]).all() else sizes
        return cls(np.trunc(points) if whole_pixels else points, sizes.T[::-1], whole_pixels)

    @cached_property
    def eye_line(self) -> np.ndarray:
        """From the right eye's centre to the left eye's, (2, N)."""
        return self.points[LEFT_EYE].mean(axis=0) - self.points[RIGHT_EYE].mean(axis=0)

    def centre(self, centre: Centre) -> np.ndarray:
        """Compute the mean of a centre's landmarks, (2, N)."""
        axes = enumerate(centre.axes)
        mean = np.stack([self.points[np.array(landmarks), axis].sum(axis=0) / len(landmarks) for axis, landmarks in axes])
        return np.trunc(mean) if self.whole_pixels else mean

    def length(self, length: Length, axis: np.ndarray | None = None) -> np.ndarray:
        """Measure a length.

        Args:
            length: Length to measure.
            axis: Unit vectors, (2, N) or (2, 1), along which ``half`` runs; None measures it straight between its landmarks.

        Returns:
            Pixels, (N,), or (1,) if all are alike.
        """
        if length.half is not None:
            first, second = length.half
            between = self.points[second] - self.points[first]
            distance = np.hypot(*between) if axis is None else (between * axis).sum(axis=0)
            halved = (distance + (self.length(length.plus) if length.plus else 0)) / 2
            halved = np.trunc(halved) if self.whole_pixels else halved
            return np.where(halved > 0, halved, self.length(length.otherwise)) if length.otherwise else halved
        if length.px is not None:
            pixels = np.array([length.px])
        elif length.iod is not None:
            pixels = length.iod * np.hypot(*self.eye_line)
        else:
            pixels = length.width * self.sizes[0] if length.width is not None else length.height * self.sizes[1]
        return np.rint(pixels) if self.whole_pixels else pixels

    def axes(self, rotation: Literal["face"] | tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
        """Compute a shape's own x and y axes.

        Args:
            rotation: ``face`` for the line through the eyes, two landmarks for the line from the first to the second, None
                for the image's axes.

        Returns:
            Unit vectors of x and y, each (2, N) or (2, 1). They are the image's axes where the line has no length.
        """
        if rotation is None:
            x, y = np.eye(2)[:, :, None]
            return x, y
        along = self.eye_line if rotation == "face" else self.points[rotation[1]] - self.points[rotation[0]]
        length = np.hypot(*along)
        along = np.where(length > 0, along / np.where(length > 0, length, 1), np.array([[1.0], [0.0]]))
        return along, np.stack([-along[1], along[0]])
