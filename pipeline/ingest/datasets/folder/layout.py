"""Recognise which folders of a tree are splits and which are labels."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.faces.manifest import SPLITS
from pipeline.ingest.datasets.common.folder_tree import Folder
from pipeline.ingest.datasets.common.passed_over import PassedOver
from pipeline.ingest.splits import split_of

IsLabel = Callable[[str], bool]  # whether the name of a folder may be that of a label


@dataclass
class Layout:
    """The label folders of a tree.

    Attributes:
        classes: (split, label, folder) of each label folder, or of each split in a label folder. The split may be empty.
        parents: The folders around and beside the label folders. Images directly in them have no label.
        notes: Sentences on a layout that a user may not expect.
    """

    classes: list[tuple[str, str, Folder]] = field(default_factory=list)
    parents: list[Folder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_layout(tree: Folder, is_label: IsLabel, passed: PassedOver) -> Layout:
    """Find the layout of a tree: ``label``, ``split/label`` or ``label/split``, perhaps inside a folder that wraps it.

    Args:
        tree: The dataset's folder.
        is_label: Recognises the names of labels.
        passed: Counts the folders without photos that are neither a split nor a label.
    """
    wrappers = _unwrap(tree, "", is_label)
    layout = Layout(parents=wrappers)
    if len(wrappers) > 1:
        layout.notes.append(f"all photos are in {wrappers[-1].path}, so it counts as the root")
    folders = _relevant(wrappers, is_label, passed)
    splits = [folder for folder in folders if _split(folder)]
    others = [folder for folder in folders if not _split(folder)]
    if splits and (not others or _are_beside(splits, others, is_label)):
        for folder in splits:
            inner = _unwrap(folder, _split(folder), is_label)
            layout.parents += inner
            layout.classes += [(_split(folder), label.name, label) for label in _relevant(inner, is_label, passed)]
        layout.parents += [folder for other in others for folder in other.walk()]
    elif _hold_splits(folders) and any(is_label(folder.name) for folder in folders):
        layout.parents += folders
        layout.notes.append("each label's folder holds folders of splits")
        layout.classes = [(_split(inner), label.name, inner) for label in folders for inner in label.folders.values()]
    else:
        layout.classes = [("", folder.name, folder) for folder in folders]
    return layout


def _unwrap(folder: Folder, split: str, is_label: IsLabel) -> list[Folder]:
    """The folder, and in it, again and again, the only folder with photos, as long as it is no label and no other split."""
    wrappers = [folder]
    while True:
        inside = [inner for inner in wrappers[-1].folders.values() if inner.has_photos]
        if len(inside) != 1 or _split(inside[0]) not in ("", split) or not _may_wrap(inside[0], is_label):
            return wrappers
        wrappers += inside


def _may_wrap(folder: Folder, is_label: IsLabel) -> bool:
    """Whether a folder is no label itself. A number is no label (2013) if there are labels or splits in it."""
    inside = [inner for around in folder.walk() for inner in around.folders.values()]
    is_year = folder.name.isdecimal() and any(is_label(inner.name) or _split(inner) for inner in inside)
    return not folder.photos and (is_year or not is_label(folder.name))


def _relevant(wrappers: list[Folder], is_label: IsLabel, passed: PassedOver) -> list[Folder]:
    """The folders in the innermost wrapper that may be splits or labels. The others are counted as passed over."""
    relevant = []
    for wrapper in wrappers:
        for folder in wrapper.folders.values():
            if folder in wrappers:
                continue
            if folder.has_photos or _split(folder) or is_label(folder.name):
                relevant.append(folder)
            elif folder.count_files():
                passed.without_photos[folder.path.as_posix()] = folder.count_files()
    return relevant


def _split(folder: Folder) -> str:
    """The split that the folder's name means; empty if it means none."""
    split = split_of(folder.name)
    return split if split in SPLITS else ""


def _are_beside(splits: list[Folder], others: list[Folder], is_label: IsLabel) -> bool:
    """Whether the others only lie beside the splits: there are several splits, and no other is a label."""
    return len({_split(folder) for folder in splits}) > 1 and not any(is_label(folder.name) for folder in others)


def _hold_splits(labels: list[Folder]) -> bool:
    """Whether all photos lie in folders that are named as splits, and there are several splits."""
    inner = [folder for label in labels for folder in label.folders.values()]
    loose = any(label.photos for label in labels)
    return not loose and all(map(_split, inner)) and len({_split(folder) for folder in inner}) > 1
