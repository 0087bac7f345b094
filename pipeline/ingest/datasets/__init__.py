"""One adapter module per dataset, each with a function ``read(source) -> list[Photo]``.

A module with a mapping ``LABELS`` (the dataset's own numbers -> names) knows every class of its dataset. Photos of classes
that ``ingest.labels`` leaves out are excluded, with the reason in their row. For the other datasets a label outside
``ingest.labels`` is an error, since it is probably a mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.runtime.errors import InputError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


class NothingFoundError(InputError):
    """No folder has a layout of the dataset, or a layout lacks its photos: perhaps they are still packed."""


@dataclass(frozen=True)
class DatasetSource:
    """Everything that an adapter reads a dataset with."""

    root: Path  # the dataset's folder
    photos: Path  # the folder for the images that an adapter makes itself
    labels: tuple[str, ...]  # ingest.labels
    images_per_class: int  # of the demo
    seed: int
    workers: int | Literal["auto"]
    rename: Mapping[str, str | None] = field(default_factory=dict)  # ingest.rename
    notes: list[str] = field(default_factory=list)  # lines for the user, which adapters add and the stage prints
