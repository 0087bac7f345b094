"""One adapter per dataset. Each module has ``read(source) -> list[Photo]``.

A module with a ``LABELS`` mapping (the dataset's own ids -> names) knows every class of its dataset: photos of those that
``ingest.labels`` leaves out are excluded, with the reason in their row. Elsewhere a label outside ``ingest.labels`` is an
error, since it is more likely a slip.
"""

from dataclasses import dataclass
from pathlib import Path

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


@dataclass(frozen=True)
class DatasetSource:
    """What an adapter may use."""

    root: Path  # the dataset's folder
    photos: Path  # where an adapter that makes its own images writes them
    labels: tuple[str, ...]
    images_per_class: int
    seed: int
    workers: int | str
