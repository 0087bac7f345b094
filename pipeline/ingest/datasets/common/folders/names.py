"""Names of files in any letter case, and of images with any suffix."""

import os
from collections.abc import Iterable

from pipeline.ingest.datasets import IMAGE_SUFFIXES


class Names:
    """Names in one folder, in alphabetical order, to be looked up in any letter case."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = sorted(names)
        self._exact = set(self.all)
        self._folded = {name.casefold(): name for name in reversed(self.all)}
        self._images: dict[str, str] | None = None

    def find(self, name: str) -> str | None:
        """Return the name as it is written on disk, or None."""
        return name if name in self._exact else self._folded.get(name.casefold())

    def images(self) -> dict[str, str]:
        """Map stems of image files, in lower case, to the names of the files; .jpg comes before other suffixes."""
        if self._images is None:
            by_stem: dict[str, str] = {}
            for name in sorted(self.all, key=lambda name: not name.endswith(".jpg")):
                stem, suffix = os.path.splitext(name)  # noqa: PTH122 (Path would take five times as long)
                if suffix.casefold() in IMAGE_SUFFIXES:
                    by_stem.setdefault(stem.casefold(), name)
            self._images = by_stem
        return self._images
