"""List the photos in folders of labels, and those beside them: nothing that may be a photo lacks a row."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.folders.folder_tree import Folder, is_image
from pipeline.ingest.split_names import split_named
from pipeline.runtime.status import Status

OTHER_PICTURES = {".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".dng", ".cr2", ".nef", ".raw"}  # suffixes


def in_label(
    root: Path, folder: Folder, label: str, split: str, subject_of: Callable[[Path], str] = lambda _: ""
) -> Iterator[Photo]:
    """Yield the photos in a label's folder, at any depth, in the order of their paths.

    A file without the suffix of an image is excluded, and so is one in an inner folder that is named after another split. If
    the photos have no split, inner folders count as those of splits only if they are of several: one alone may be a person
    (``dev``). A broken link and a folder that cannot be read are unreadable.

    Args:
        root: ``ingest.root``, which the ids are relative to.
        folder: The label's folder.
        label: Label of the photos.
        split: Their split, or empty text.
        subject_of: Returns who is in a photo; empty text if that is not known.
    """
    inside = list(folder.walk())
    named = {name: split_named(name) for around in inside for name in around.folders}
    is_one = not split and len({*named.values()} - {""}) < 2
    others = set() if is_one else {name for name, its in named.items() if its not in ("", split)}
    for path in sorted(folder.path / name for folder in inside for name in folder.files):
        reason = _why_unused(path, folder.path, others)
        yield _photo(root, path, label, split, subject_of(path), Status.EXCLUDED if reason else Status.OK, reason)
    for folder in inside:
        for name, reason in folder.unreadable.items():
            path = folder.path / name
            yield _photo(root, path, label, split, subject_of(path), Status.UNREADABLE, reason)


def _why_unused(path: Path, label: Path, others: set[str]) -> str:
    """The reason why a file in a label's folder is no photo of its split; empty if it is one."""
    if path.suffix.casefold() in OTHER_PICTURES:
        return f"{path.suffix} pictures are not read: convert it to PNG or JPEG"
    if not is_image(path.name):
        return f"its suffix {path.suffix!r} is not that of an image"
    other = next((part for part in path.relative_to(label).parts[:-1] if part in others), "")
    return f"its folder {other!r} names a split, inside a label's folder" if other else ""


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
