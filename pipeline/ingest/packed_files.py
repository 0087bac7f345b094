"""Recognise datasets that still have to be unpacked or converted: ZIP files, tape archives, Parquet tables."""

import os
import re
from pathlib import Path

from pipeline.ingest.datasets import IMAGE_SUFFIXES

ARCHIVE = re.compile(
    r".*\.(?:zip|rar|7z|tar|tgz|gz|bz2|xz|zst|z01|001)(?:\.[a-z]{2}|\.\d+)?", re.IGNORECASE
)  # also split: .gz.aa
TABLE = re.compile(r".*\.(?:parquet|arrow|feather|tfrecord|lmdb|pkl|npz|mat)", re.IGNORECASE)


def describe(root: Path) -> str:
    """Return a message that names a packed file, if a folder holds such files and no photo at any depth; else empty text."""
    packed: dict[re.Pattern[str], list[Path]] = {ARCHIVE: [], TABLE: []}
    for folder, _, names in os.walk(root):
        for name in names:
            if os.path.splitext(name)[1].casefold() in IMAGE_SUFFIXES:  # noqa: PTH122 (Path would take five times as long)
                return ""
            for kind, files in packed.items():
                if kind.fullmatch(name):
                    files.append(Path(folder, name).relative_to(root))
    for kind, fix in ((ARCHIVE, "unpack it"), (TABLE, "write its photos as image files, and their labels as labels.csv")):
        if packed[kind]:
            first = min(packed[kind], key=lambda file: (len(file.parts), file))
            return f"{root} holds no photo, but {first.as_posix()}: {fix}"
    return ""
