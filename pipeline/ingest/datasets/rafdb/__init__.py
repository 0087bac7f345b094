"""RAF-DB, single-label subset, as published and in re-packed copies.

Published: labels in ``basic/EmoLabel/list_patition_label.txt`` (spelt so), photos in ``basic/Image``.
``basic/Annotation/boundingbox/train_00001_boundingbox.txt`` gives the box of the face in the original photo that the label
is about: left, top, right and bottom in pixels. Copies have the aligned photos in ``train/1/train_00001_aligned.jpg``, with
or without ``train_labels.csv``, or list them in ``labels.csv``, ``train.txt`` and ``test.txt``. A split that no table lists
has the labels of its folders.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource, NothingFoundError
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders import class_folders
from pipeline.ingest.datasets.common.folders.tree import Reader, Tree
from pipeline.ingest.datasets.common.missing_splits import validation_as_test, without_lone_split
from pipeline.ingest.datasets.common.numbering import describe_numbers
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.csv import public
from pipeline.ingest.datasets.csv.absence import hint_at_lists
from pipeline.ingest.datasets.rafdb.photos import ALIGNED, Boxes, Images
from pipeline.ingest.datasets.rafdb.tables import Line, is_published, lines_of, published_in, tables_in, unread_beside
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError

FindTables = Callable[[Tree, Path], list[Path]]
LABELS = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}


def read(source: DatasetSource) -> list[Photo]:
    """List the photos of ``Image/original`` if there are any, else of ``Image/aligned``.

    Train and test are as published; there is no validation set. Original photos have the dataset's box if it is present.

    Raises:
        InputError: If no folder has a known layout, a table cannot be read, or most rows cannot be used.
    """
    tree = Tree(source.root, source.notes)
    names = ClassNames(LABELS, source.rename)
    with_tables = (partial(_with, find, tree, names) for find in (published_in, tables_in))
    reader = tree.find(*with_tables, partial(_copy, tree, names))
    listed = reader() if reader else public.photos_of(source, names)
    if listed is None:
        table = source.root / "basic" / "EmoLabel" / "list_patition_label.txt"
        raise NothingFoundError(
            f"{table} does not exist: ingest.root must be the RAF-DB folder that holds basic/{hint_at_lists(tree)}"
        )
    photos = without_lone_split(listed, source.root, source.notes)
    tree.report_clutter()
    return photos


def _with(find: FindTables, tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    if "compound" in (folder.name.casefold(), folder.parent.name.casefold()):  # RAF-DB's other subset, with other classes
        return None
    basic = tree.folder(folder, "basic") or folder
    tables = find(tree, basic)
    if not tables:
        return None
    if folder != tree.root and not any(images for _, images in tree.walk(basic)):  # labels/train_labels.csv beside images/
        basic = folder.parent
    return partial(_listed, tree, names, basic, tables)


def _copy(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    classes = class_folders.find(tree, folder, names)
    return None if classes is None else partial(class_folders.photos_of, tree, classes, names)


def _listed(tree: Tree, names: ClassNames, basic: Path, tables: list[Path]) -> list[Photo]:
    """The photos that the tables list."""
    lines = [line for table in tables for line in lines_of(table)]
    if not lines:
        raise InputError(f"{tables[0]} lists no photo: restore the published file")
    images = Images(tree, basic, {line.stem for line in lines})
    boxes = Boxes(tree, basic) if images.are_original else None
    lines = [_in_its_split(line, images) for line in lines]
    if not any(line.split for line in lines):  # ingest makes the splits
        lines = [replace(line, problem="") if line.label else line for line in lines]
    if unread := unread_beside(tree, tables):
        tree.notes.append(f"not read: {', '.join(unread)}")
    photos = PhotoList()
    for line in lines:
        path = images.published_path(line.stem).as_posix()
        photo = Photo(line.stem or Path(line.where).name, path, "", line.split, subject="")
        try:
            photo = replace(photo, path=images.path(line.stem, line.split).as_posix())
            if line.problem:
                raise ValueError(line.problem)
            photos.add_labelled(photo, names.name_of(line.label), boxes.box(line.stem) if boxes else None)
        except ValueError as error:
            photos.add_unusable(photo, line.where, error)
    listed = photos.finish()
    if not is_published(tables[0]):
        of_training = {line.label for line in lines if line.split in ("train", "")}
        describe_numbers(tables[0], "labels", {line.label for line in lines}, of_training, names)
    stems = {Path(photo.path).stem.casefold().removesuffix(ALIGNED) for photo in listed}
    listed += _of_other_splits(tree, names, basic, {line.split for line in lines})
    tree.report_others(listed, "no table names them", lambda path: path.stem.casefold().removesuffix(ALIGNED) in stems)
    return validation_as_test(listed, tree.root, tree.notes)


def _in_its_split(line: Line, images: Images) -> Line:
    """The line with the split of the photo's folder, if neither the photo's name nor the table's says the split."""
    split = "" if line.split or not line.label else images.split(line.stem)
    return replace(line, split=split, problem="") if split else line


def _of_other_splits(tree: Tree, names: ClassNames, basic: Path, listed: set[str]) -> list[Photo]:
    """The photos of splits that no table lists, with the labels of their folders."""
    photos = []
    for place in () if "" in listed else (basic, *tree.inner(basic)):
        classes = class_folders.find(tree, place, names) or []
        named = splits_of(folder.name for folder in tree.inner(place))
        for folder in tree.inner(place):
            if named.get(folder.name, "") not in ("", *listed):
                inside = [each for each in classes if each.path.parent == folder]
                photos += class_folders.photos_of(tree, inside, names, within=folder)
    return photos
