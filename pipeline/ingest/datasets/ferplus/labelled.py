"""Add photos of FER2013 with their labels, and say where these come from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.ferplus.votes import NEW
from pipeline.ingest.split_names import split_named
from pipeline.runtime.status import Status

MOST_SHOWN = 40  # characters of a value, in a message


def add(photos: PhotoList, photo: Photo, usage: str, where: str, label_of: Callable[[], tuple[str, bool]]) -> None:
    """Append a photo with its label, unless the votes tie."""
    try:
        if not split_named(usage):
            raise ValueError(f"Usage {usage[:MOST_SHOWN]!r} does not match Training, PublicTest or PrivateTest")
        label, tie = label_of()
    except ValueError as error:
        photos.add_unusable(photo, where, error)
        return
    status, reason = (Status.EXCLUDED, "votes tie") if tie else (Status.OK, "")
    photos.add_labelled(replace(photo, status=status, reason=reason), label)


def note_original(tree: Tree, folder: Path) -> None:
    """Note that the labels are those of FER2013."""
    tree.notes.append(f"{folder} has no {NEW}: the labels are the original labels of FER2013, not FERPlus's votes")
