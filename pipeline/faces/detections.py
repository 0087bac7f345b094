"""``detections.csv``, the table that stage detect writes: the box of the face in each photo, or the reason for no box."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.faces.boxes import Box
from pipeline.faces.manifest import Photo
from pipeline.faces.status_counts import StatusCounts
from pipeline.faces.tables import read_table, write_table

GIVEN = "given"  # the level of a box that the dataset gave
WHOLE_PHOTO = "image"  # the level of a box that is the whole photo


@dataclass(frozen=True, slots=True)  # a million of them fit in memory
class Detection:
    """The outcome of the search for a face in one photo.

    The box is in pixels of the upright photo, origin top left, and may exceed the photo. If there are several faces,
    ``detect.on_multiple`` chooses one; ``faces`` is the number of faces that the search found at ``level``.
    """

    id: str
    status: str  # a Status of stage detect
    reason: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    score: float = 0.0  # the detector's margin, higher is surer; 0 for a box that no detector found
    faces: int = 0
    level: str = ""  # name of a Level, such as ``padded 128``, or GIVEN, or WHOLE_PHOTO

    @property
    def box(self) -> Box:
        """The box of the face (left, top, right, bottom); zeros unless the status is ok."""
        return self.left, self.top, self.right, self.bottom

    @property
    def is_whole_photo(self) -> bool:
        """Whether the box is the whole photo, because no level found a face."""
        return self.level == WHOLE_PHOTO


def write(path: Path, detections: Sequence[Detection]) -> None:
    """Write the table atomically."""
    write_table(path, Detection, detections)


def read(path: Path) -> list[Detection]:
    """Read the table that ``aucue detect`` wrote.

    Raises:
        InputError: If the file is missing or malformed; the message names the command that writes it.
    """
    return read_table(path, Detection, made_by="detect")


def count_statuses(detections: Sequence[Detection], photos: Sequence[Photo]) -> StatusCounts:
    """Count photos by status, label and split. The detections are those of the photos, in the same order."""
    counts = StatusCounts()
    counts.count((detection.status for detection in detections), photos)
    return counts
