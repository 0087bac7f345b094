"""Photos sorted into folders: ``root/label/*.jpg``, ``root/split/label/*.jpg`` or ``root/label/split/*.jpg``."""

from functools import partial

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common.folder_tree import read_tree
from pipeline.ingest.datasets.common.label_folders import in_label, in_no_label
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.passed_over import PassedOver
from pipeline.ingest.datasets.folder.layout import IsLabel, Layout, find_layout
from pipeline.ingest.label_names import matching_label, meant_label
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per file in a label folder, in path order. The subjects are not known.

    A file in a label folder without the suffix of an image is excluded, and so is an image outside the label folders.
    Clutter (see ``clutter``) and folders without photos are counted in the notes.

    Raises:
        InputError: If no label folder holds an image.
    """
    passed = PassedOver()
    tree = read_tree(source.root, passed)
    is_label = partial(_may_be_label, source=source)
    layout = find_layout(tree, is_label, passed)
    _refuse_deeper_labels(layout, is_label)
    photos = [photo for split, label, folder in layout.classes for photo in in_label(source.root, folder, label, split)]
    if not any(photo.status == Status.OK for photo in photos):
        own = f"; its own {len(tree.photos)} photos have no label: name the folder above it" if tree.photos else ""
        raise InputError(f"no photo under {source.root}: it must hold label/*.jpg or split/label/*.jpg{own}")
    source.notes.extend((*layout.notes, *passed.lines()))
    photos = validation_as_test(photos, source.root, source.notes)
    return photos + [photo for parent in layout.parents for photo in in_no_label(source.root, parent)]


def _may_be_label(name: str, source: DatasetSource) -> bool:
    known = matching_label(name, (*source.labels, *source.rename)) or meant_label(name, source.labels)
    return known is not None or name.isdecimal()


def _refuse_deeper_labels(layout: Layout, is_label: IsLabel) -> None:
    """Raise InputError if the folders in the place of labels are none, but hold some."""
    if any(is_label(label) for _, label, _ in layout.classes):
        return
    for _, label, folder in layout.classes:
        deeper = next((name for inner in folder.walk() for name in inner.folders if is_label(name)), None)
        if deeper:
            raise InputError(
                f"{folder.path.parent} holds folders of no label ({label}), and labels deeper in them ({deeper}): "
                f"name the folder around the labels in ingest.root, such as {folder.path}"
            )
