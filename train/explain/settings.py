"""How ``aucue explain`` goes through photos and videos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """How sources are explained.

    Attributes:
        out: Folder of the pictures' folder.
        digest: Digest of everything that decides a row but the source.
        every: Seconds between two frames of a video; 0 for all.
        pictures: Whether pictures are drawn.
        batch_size: Photos or frames that the classifier gets at a time.
        workers: Number of processes that look for faces.
    """

    out: Path
    digest: str
    every: float
    pictures: bool
    batch_size: int
    workers: int | Literal["auto"]
