"""AffectNet, in both of its published layouts and in re-packed copies.

The newer layout has ``train_set/`` and ``val_set/`` with an annotation file for each photo (``affectnet_sets``), the older
layout ``training.csv`` and ``validation.csv`` (``affectnet_tables``). Copies sort the photos into folders of classes
(``class_folders``), some with better labels in ``labels.csv``, or label them in the format of YOLO (``yolo``). As in the
paper, AffectNet's validation set serves as test.
"""

from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource, affectnet_sets, affectnet_tables, class_folders, yolo
from pipeline.ingest.datasets.lone_split import without_lone_split
from pipeline.ingest.datasets.relabelling import relabel
from pipeline.ingest.datasets.tree import Reader, Tree
from pipeline.runtime.errors import InputError

LABELS = {
    0: "neutral",
    1: "happiness",
    2: "sadness",
    3: "surprise",
    4: "fear",
    5: "disgust",
    6: "anger",
    7: "contempt",
    8: "none",
    9: "uncertain",
    10: "no-face",
}


def read(source: DatasetSource) -> list[Photo]:
    """List all annotated photos, train before test, in the order of their numbers or rows.

    Raises:
        InputError: If no folder has one of the layouts, several have one, or most annotations cannot be read.
    """
    tree = Tree(source.root, source.notes)
    reader = tree.find(partial(_published, tree), partial(_automatic, tree), partial(_copy, tree))
    if reader is None:
        raise InputError(
            f"{source.root} has neither train_set/ nor training.csv: ingest.root must be the AffectNet folder, "
            "or a copy of it with a folder of photos for each class"
        )
    photos = without_lone_split(reader(), source.root, source.notes)
    tree.report_clutter()
    return photos


def _published(tree: Tree, folder: Path) -> Reader | None:
    if sets := affectnet_sets.find(tree, folder):
        return partial(affectnet_sets.photos_of, tree, sets, LABELS)
    tables = affectnet_tables.find(tree, folder)
    return None if tables is None else partial(affectnet_tables.photos_of, tree, tables, LABELS)


def _automatic(tree: Tree, folder: Path) -> Reader | None:
    tables = affectnet_tables.find_automatic(tree, folder)
    return None if tables is None else partial(affectnet_tables.photos_of, tree, tables, LABELS)


def _copy(tree: Tree, folder: Path) -> Reader | None:
    if parts := yolo.find(tree, folder):
        return partial(yolo.photos_of, tree, folder, parts, LABELS)
    classes = class_folders.find(tree, folder, LABELS)
    if classes is None:
        return None
    reader = partial(class_folders.photos_of, tree, classes, LABELS)
    table = tree.file(folder, "labels.csv")
    return partial(_relabelled, tree, reader, table) if table else reader


def _relabelled(tree: Tree, reader: Reader, table: Path) -> list[Photo]:
    return relabel(reader(), table, LABELS, tree.notes)
