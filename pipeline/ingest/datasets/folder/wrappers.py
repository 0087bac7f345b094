"""Find the photos in a folder that only wraps another one, such as the folder of an archive."""

from pipeline.ingest.datasets.common.folders.folder_tree import Folder
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver
from pipeline.ingest.datasets.folder.persons import IsLabel
from pipeline.ingest.split_names import split_named


def unwrap(folder: Folder, split: str, is_label: IsLabel) -> list[Folder]:
    """Return the folder, and in it, again and again, the only folder with photos that is no label and no other split.

    Args:
        folder: The folder.
        split: The split that it is of; empty if it is of none.
        is_label: Recognises the names of labels.
    """
    wrappers = [folder]
    while True:
        inside = [inner for inner in wrappers[-1].folders.values() if inner.has_photos]
        if len(inside) != 1 or split_named(inside[0].name) not in ("", split) or not _may_wrap(inside[0], is_label):
            return wrappers
        wrappers += inside


def _may_wrap(folder: Folder, is_label: IsLabel) -> bool:
    """Whether a folder is no label itself. A number is no label (2013) if there are labels or splits in it."""
    inside = [inner for around in folder.walk() for inner in around.folders.values()]
    is_year = folder.name.isdecimal() and any(is_label(inner.name) or split_named(inner.name) for inner in inside)
    return not folder.photos and (is_year or not is_label(folder.name))


def relevant_in(wrappers: list[Folder], is_label: IsLabel, passed: PassedOver) -> list[Folder]:
    """Return the folders in wrappers that may be splits or labels.

    Args:
        wrappers: A folder, and the folders in it that wrap the photos.
        is_label: Recognises the names of labels.
        passed: Counts the other folders.
    """
    relevant = []
    for wrapper in wrappers:
        for folder in wrapper.folders.values():
            if folder in wrappers:
                continue
            if folder.has_photos or split_named(folder.name) or is_label(folder.name):
                relevant.append(folder)
            elif folder.count_files():
                passed.without_photos[folder.path.as_posix()] = folder.count_files()
    return relevant
