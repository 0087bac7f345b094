"""Make the photo of a row: find its file, and say in its row why it cannot be used."""

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common import written_paths
from pipeline.ingest.datasets.common.csv_table.rows import NO_VALUE, box_of, given
from pipeline.ingest.datasets.common.folders.clutter import is_of_tool
from pipeline.ingest.datasets.common.folders.passed_over import counted
from pipeline.ingest.datasets.csv.photos_below import PhotosBelow
from pipeline.ingest.split_names import split_of
from pipeline.runtime.status import Status

NO_LABEL = NO_VALUE - {"none"}  # which is a label of AffectNet


@dataclass(frozen=True)
class Places:
    """Where the photos of a table are.

    Attributes:
        root: Folder that their ids are relative to.
        table: The table. The paths of the photos are relative to its folder.
        below: All photos below ``ingest.root``.
    """

    root: Path
    table: Path
    below: PhotosBelow

    def find(self, written: str, split: str) -> Path:
        """Return the file that a row names; the path as it is written if there is none.

        Args:
            written: The path in the table.
            split: The split of the row; empty if it is not known.

        Raises:
            ValueError: If the file cannot be told. The message is a reason.
        """
        base = self.table.parent
        found = written_paths.find_existing(base, written)
        if found:
            return found
        if written_paths.is_foreign(written):
            raise ValueError(f"{written} is a path of another machine: write it relative to {self.table.name}")
        photos = self.below.find(written, base, split)
        if len(photos) > 1:
            raise ValueError(f"{len(photos)} photos have this name: write the path relative to {self.table.name}")
        return photos[0] if photos else base / written


def photo_of(row: dict[str, str], where: str, places: Places) -> Photo:
    """Return the photo of a row.

    Args:
        row: Its values by column.
        where: File and line.
        places: Where the photos are.

    Raises:
        InputError: If the box is damaged.
    """
    written, split = row["image"], split_of(given(row.get("split", "")))
    try:
        file, problem = places.find(written, split), ""
    except ValueError as error:
        file, problem = places.table.parent / written, str(error)
    is_inside = file.is_relative_to(places.root) and not Path(written).is_absolute()
    photo = Photo(
        id=(file.relative_to(places.root) if is_inside else file).as_posix(),
        path=file.as_posix(),
        label="" if is_missing(row["label"]) else row["label"],
        split=split,
        subject=given(row.get("subject", "")),
        box=box_of(row.get("box", ""), where),
    )
    tools = [part for part in (file.relative_to(places.root).parts if is_inside else [file.name]) if is_of_tool(part)]
    if tools:
        return replace(photo, status=Status.EXCLUDED, reason=f"{tools[0]} is a name that tools and systems give")
    if not photo.label:
        return replace(photo, status=Status.EXCLUDED, reason="no label")
    return replace(photo, status=Status.UNREADABLE, reason=problem) if problem else photo


def is_missing(label: str) -> bool:
    """Return whether a label is none, as programs write a missing value."""
    return not label or label.casefold() in NO_LABEL


def unclear_line(rows: list[tuple[str, Photo]]) -> list[str]:
    """Say how many rows name several photos, or one of another split; no line without any.

    Args:
        rows: File and line, and photo, of each row.
    """
    found = [
        f"{where}: {photo.reason}"
        for where, photo in rows
        if photo.status == Status.UNREADABLE and not written_paths.is_foreign(photo.id)
    ]
    return [f"{counted(len(found), 'row')} without a photo of its own, e.g. {found[0]}"] if found else []


def foreign_line(pairs: list[tuple[str, Photo]]) -> list[str]:
    """Say how many paths of other machines were found by their last parts; no line without any.

    Args:
        pairs: The path as it is written, and the photo, of each row.
    """
    found = [
        f"{text} is {photo.path}" for text, photo in pairs if photo.status == Status.OK and written_paths.is_foreign(text)
    ]
    return [f"{len(found):,} paths of another machine are found by their last parts, e.g. {found[0]}"] if found else []
