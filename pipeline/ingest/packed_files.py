"""Recognise datasets that still have to be unpacked or converted: ZIP files, tape archives, Parquet tables."""

import re
from pathlib import Path

from pipeline.ingest.datasets import IMAGE_SUFFIXES

ARCHIVE = re.compile(
    r".*\.(?:zip|rar|7z|tar|tgz|gz|bz2|xz|zst|z01|001)(?:\.[a-z]{2}|\.\d+)?", re.IGNORECASE
)  # also split: .gz.aa
TABLE = re.compile(r".*\.(?:parquet|arrow|feather|tfrecord|lmdb|pkl|npz|mat)", re.IGNORECASE)
DEPTH = 3  # folders below the root in which they are looked for


def describe(root: Path) -> str:
    """Return a message that names a packed file, if a folder holds such files and no photo; else empty text."""
    files = [path for depth in range(1, DEPTH + 1) for path in sorted(root.glob("/".join("*" * depth)))]
    if any(path.suffix.casefold() in IMAGE_SUFFIXES for path in files):
        return ""
    for kind, fix in ((ARCHIVE, "unpack it"), (TABLE, "write its photos as image files, and their labels as labels.csv")):
        found = next((path for path in files if kind.fullmatch(path.name)), None)
        if found is not None:
            return f"{root} holds no photo, but {found.relative_to(root).as_posix()}: {fix}"
    return ""
