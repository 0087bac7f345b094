"""Count the files and folders that become no row, so that a line of ``aucue ingest`` names them."""

from collections import Counter
from collections.abc import Collection

MOST_NAMES = 4  # in a line


class PassedOver:
    """What a walk through a dataset's folders passed over.

    Attributes:
        clutter: Name of a tool's file or folder -> the number of files.
        without_photos: Folder that holds no photo -> the number of its files.
        loops: Links that lead back to a folder around them.
    """

    def __init__(self) -> None:
        self.clutter: Counter[str] = Counter()
        self.without_photos: Counter[str] = Counter()
        self.loops: list[str] = []

    def lines(self) -> list[str]:
        """Describe what was passed over, a line for each kind."""
        lines = []
        clutter = +self.clutter  # without empty folders
        if clutter:
            lines.append(f"{counted(clutter.total(), 'file')} of tools and systems ({_names(clutter)})")
        if self.without_photos:
            files = counted(self.without_photos.total(), "file")
            folders = counted(len(self.without_photos), "folder")
            lines.append(f"{folders} without photos, with {files} ({_names(self.without_photos)})")
        if self.loops:
            lines.append(f"{counted(len(self.loops), 'link')} to a folder that holds the link ({_names(self.loops)})")
        return [f"passed over: {line}" for line in lines]


def unlisted_line(photos: Collection[str], reason: str) -> list[str]:
    """Describe photos that no row names; no line without any.

    Args:
        photos: Their paths.
        reason: Why they are not read.
    """
    return [f"not read, since {reason}: {counted(len(photos), 'photo')}, e.g. {min(photos)}"] if photos else []


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 file, 2 files."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _names(names: Counter[str] | list[str]) -> str:
    listed = sorted(names)
    more = [f"{len(listed) - MOST_NAMES:,} more"] if len(listed) > MOST_NAMES else []
    return ", ".join(listed[:MOST_NAMES] + more)
