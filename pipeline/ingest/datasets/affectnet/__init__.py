"""AffectNet, in both of its published layouts and in re-packed copies.

The newer layout has ``train_set/`` and ``val_set/`` with an annotation file for each photo (``sets``), the older
layout ``training.csv`` and ``validation.csv`` (``tables``). Copies sort the photos into folders of classes
(``class_folders``), some with better labels in ``labels.csv``, or label them in the format of YOLO (``yolo``). As in the
paper, AffectNet's validation set serves as test.
"""

from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource, NothingFoundError
from pipeline.ingest.datasets.affectnet import sets, tables, yolo
from pipeline.ingest.datasets.affectnet.relabelling import relabel
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders import class_folders
from pipeline.ingest.datasets.common.folders.tree import Reader, Tree
from pipeline.ingest.datasets.common.missing_splits import without_lone_split
from pipeline.ingest.datasets.csv import public
from pipeline.ingest.datasets.csv.absence import hint_at_lists

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
    names = ClassNames(LABELS, source.rename)
    layouts = (partial(layout, tree, names) for layout in (_published, _automatic, _copy))
    reader = tree.find(*layouts)
    listed = reader() if reader else public.photos_of(source, names)
    if listed is None:
        raise NothingFoundError(
            f"{source.root} has neither train_set/ nor training.csv: ingest.root must be the AffectNet folder, "
            "or a copy of it with a folder of photos for each class, or a table of photos and labels"
            f"{hint_at_lists(tree)}"
        )
    photos = without_lone_split(listed, source.root, source.notes)
    tree.report_clutter()
    return photos


def _published(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    if annotated := sets.find(tree, folder):
        return partial(sets.photos_of, tree, annotated, names)
    listed = tables.find(tree, folder)
    return None if listed is None else partial(tables.photos_of, tree, listed, names)


def _automatic(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    listed = tables.find_automatic(tree, folder)
    return None if listed is None else partial(tables.photos_of, tree, listed, names)


def _copy(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    if parts := yolo.find(tree, folder):
        return partial(yolo.photos_of, tree, folder, parts, names)
    classes = class_folders.find(tree, folder, names)
    if classes is None:
        return None
    reader = partial(class_folders.photos_of, tree, classes, names)
    table = tree.file(folder, "labels.csv")
    return partial(_relabelled, tree, reader, table, names) if table else reader


def _relabelled(tree: Tree, reader: Reader, table: Path, names: ClassNames) -> list[Photo]:
    return relabel(reader(), table, names, tree.notes)
