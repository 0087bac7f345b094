"""``detections.csv``: one row per photo with the face's box, or the reason there is none. Stage detect writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.faces.boxes import Box
from pipeline.faces.manifest import Photo
from pipeline.faces.status_counts import StatusCounts
from pipeline.faces.tables import read_table, write_table
from pipeline.runtime.status import Status

GIVEN = "given"  # the level of a box that the dataset gives
WHOLE_PHOTO = "image"  # the level of a box that is the whole photo


@dataclass(frozen=True)
class Detection:
    """What was found in one photo.

    The box is in pixels of the upright photo, origin top left, and may reach beyond the frame. Of several faces
    ``detect.on_multiple`` chooses one; ``faces`` counts the faces seen at the ``level`` that found them.
    """

    id: str
    status: str  # a Status of stage detect
    reason: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    score: float = 0.0  # of the detector: a margin, higher is surer; 0 for boxes that no detector found
    faces: int = 0
    level: str = ""  # a Level's name as ``padded 128``, or GIVEN, or WHOLE_PHOTO

    @property
    def box(self) -> Box:
        """The face's box (left, top, right, bottom); zeros unless the status is ok."""
        return self.left, self.top, self.right, self.bottom

    @property
    def is_whole_photo(self) -> bool:
        """Whether the whole photo was taken as the box, since no level found a face."""
        return self.level == WHOLE_PHOTO


def write(path: Path, detections: Sequence[Detection]) -> None:
    """Write the table, atomically."""
    write_table(path, Detection, detections)


def read(path: Path) -> list[Detection]:
    """Read the table that ``aucue detect`` wrote.

    Raises:
        InputError: If the file is missing or malformed, with the command that writes it.
    """
    return read_table(path, Detection, made_by="detect")


def count_statuses(detections: Sequence[Detection], photos: Sequence[Photo]) -> StatusCounts:
    """Count the photos by status, label and split. ``detections`` are those of ``photos``, in the same order."""
    counts = StatusCounts()
    counts.count((Status(detection.status) for detection in detections), photos)
    return counts
