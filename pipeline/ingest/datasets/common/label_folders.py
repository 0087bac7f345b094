"""List the photos in folders of labels, and those beside them: nothing that may be a photo lacks a row."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.folder_tree import Folder, is_image
from pipeline.runtime.status import Status


def in_label(
    root: Path, folder: Folder, label: str, split: str, subject_of: Callable[[Path], str] = lambda _: ""
) -> Iterator[Photo]:
    """Yield the photos in a label's folder, at any depth, in the order of their paths.

    A file without the suffix of an image is excluded. A broken link and a folder that cannot be read are unreadable.

    Args:
        root: ``ingest.root``, which the ids are relative to.
        folder: The label's folder.
        label: Label of the photos.
        split: Their split, or empty text.
        subject_of: Returns who is in a photo; empty text if that is not known.
    """
    inside = list(folder.walk())
    for path in sorted(folder.path / name for folder in inside for name in folder.files):
        is_photo = is_image(path.name)
        status = Status.OK if is_photo else Status.EXCLUDED
        reason = "" if is_photo else f"its suffix {path.suffix!r} is not that of an image"
        yield _photo(root, path, label, split, subject_of(path), status, reason)
    for folder in inside:
        for name, reason in folder.unreadable.items():
            path = folder.path / name
            yield _photo(root, path, label, split, subject_of(path), Status.UNREADABLE, reason)


def in_no_label(root: Path, folder: Folder, reason: str = "it lies in no label folder") -> Iterator[Photo]:
    """Yield the photos directly in a folder that is no label's; they are excluded.

    Args:
        root: ``ingest.root``, which the ids are relative to.
        folder: The folder.
        reason: The reason in the rows of the photos.
    """
    reasons = dict.fromkeys((path.name for path in folder.photos), reason) | folder.unreadable
    for name, problem in reasons.items():
        yield _photo(root, folder.path / name, "", "", "", Status.EXCLUDED, problem)


def _photo(root: Path, path: Path, label: str, split: str, subject: str, status: Status, reason: str) -> Photo:
    return Photo(path.relative_to(root).as_posix(), path.as_posix(), label, split, subject, status, reason)
