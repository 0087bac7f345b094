"""Copies of public datasets in the format of YOLO: ``train/images/*.png``, ``train/labels/*.txt`` and ``data.yaml``.

The folders may be the other way round: ``images/train``.

Each line of a text file is a face: the number of its class in ``data.yaml``, and its box in shares of the photo. The box is
not used: these copies are of photos of one face, which detect finds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import ClassNames, UnknownLabelError
from pipeline.ingest.datasets.common.folders.names import Names
from pipeline.ingest.datasets.common.folders.passed_over import counted
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.missing_splits import validation_as_test
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.label_names import as_yaml
from pipeline.ingest.split_names import splits_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status
from pipeline.runtime.yaml_files import load_yaml

CLASSES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")  # names the classes


@dataclass(frozen=True)
class Part:
    """The folders of a split. One without labels is of photos that were kept back."""

    split: str
    images: Path
    labels: Path | None


def find(tree: Tree, folder: Path) -> list[Part] | None:
    """Return the splits in a folder that has ``data.yaml``; None if it has none with labels."""
    if tree.file(folder, *CLASSES) is None:
        return None
    outer = {path.name: (tree.folder(path, "images"), tree.folder(path, "labels")) for path in tree.inner(folder)}
    images, labels = tree.folder(folder, "images"), tree.folder(folder, "labels")
    inner = {path.name: (path, labels and tree.folder(labels, path.name)) for path in (tree.inner(images) if images else ())}
    parts = [
        Part(split, own_images, own_labels)
        for pairs in (outer, inner)
        for name, split in splits_of(pairs).items()
        for own_images, own_labels in [pairs[name]]
        if own_images is not None
    ]
    return parts if any(part.labels for part in parts) else None


def photos_of(tree: Tree, folder: Path, parts: list[Part], names: ClassNames) -> list[Photo]:
    """List the photos in the order of their paths.

    Raises:
        InputError: If ``data.yaml`` does not name the classes, or most labels cannot be read.
    """
    table = tree.file(folder, *CLASSES) or folder / CLASSES[0]
    classes = load_yaml(table).get("names")
    if not isinstance(classes, list | dict):
        raise InputError(f"{table} has no names: list the names of the classes there")
    texts = {
        str(number): str(name) for number, name in (classes.items() if isinstance(classes, dict) else enumerate(classes))
    }
    photos, lonely = PhotoList(), 0
    for part in parts:
        images, labels = tree.files(part.images).images(), tree.files(part.labels) if part.labels else Names(())
        lonely += sum(name.endswith(".txt") and PurePath(name).stem.casefold() not in images for name in labels.all)
        for stem in progress(sorted(images), total=len(images), title="ingest", unit="photos"):
            path = part.images / images[stem]
            photo = Photo(path.relative_to(tree.root).as_posix(), path.as_posix(), "", part.split, "")
            label = labels.find(f"{path.stem}.txt")
            if label is None or part.labels is None:
                photos.add(Photo(photo.id, photo.path, "", part.split, "", Status.EXCLUDED, "it has no label"))
                continue
            try:
                number = _class_in(part.labels / label)
                photos.add_labelled(photo, _name_of(number, texts, names, table.name))
            except ValueError as error:
                photos.add_unusable(photo, str(part.labels / label), error)
    if lonely:
        tree.notes.append(f"{folder}: not read: {counted(lonely, 'label file')} without a photo")
    listed = photos.finish()
    tree.report_others(listed, "they belong to no split")
    return validation_as_test(listed, tree.root, tree.notes)


def _name_of(number: str, texts: Mapping[str, str], names: ClassNames, table: str) -> str:
    if number not in texts and not names.are_renamed([number]):
        raise UnknownLabelError(f"label {number!r} is not in {table}", as_yaml({number: None}))
    return names.name_of(number if names.are_renamed([number]) else texts[number])


def _class_in(file: Path) -> str:
    """The number of the class.

    Raises:
        ValueError: If the file has none, or several. The message is a reason.
    """
    try:
        numbers = {line.split()[0] for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError):
        raise ValueError("its label cannot be read") from None
    if len(numbers) != 1:
        raise ValueError("it has no label" if not numbers else "its faces have several labels")
    return numbers.pop()
