"""FERPlus: votes in ``fer2013new.csv`` on the 48 x 48 grey pixels in ``fer2013.csv``; or FER2013 with its original labels.

Copies have the photos as image files: FERPlus in ``FER2013Train/fer0000000.png``, perhaps with its votes in ``label.csv``
beside them, or in ``train/contempt/*.jpg``; FER2013 in ``train/angry/*.jpg``.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common import class_folders
from pipeline.ingest.datasets.common.class_folders import ClassFolder
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.missing_splits import without_lone_split
from pipeline.ingest.datasets.common.numbering import numbers_in
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.common.tree import Reader, Tree
from pipeline.ingest.datasets.csv import public
from pipeline.ingest.datasets.ferplus import votes
from pipeline.ingest.datasets.ferplus.columns import SIDE, pixels_in
from pipeline.ingest.datasets.ferplus.tables import ORIGINAL, WHOLE, Face, faces_of, tables_in
from pipeline.ingest.datasets.ferplus.votes import NEW, VOTES, Vote, majority
from pipeline.ingest.label_names import as_yaml, matching_label, synonymous_label
from pipeline.ingest.split_names import split_named
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status

LABELS = dict(enumerate(VOTES))
CONTEMPT = "contempt"  # a class of FERPlus alone
MOST_SHOWN = 40  # characters of a value, in a message


def read(source: DatasetSource) -> list[Photo]:
    """List every row as a photo, and write its pixels as a PNG file.

    The label is the class with most votes. A photo with a tie is excluded. Without ``fer2013new.csv`` the labels are the
    original labels of FER2013.

    Raises:
        InputError: If no folder has a known layout, the two tables do not belong together, or most rows cannot be used.
    """
    tree = Tree(source.root, source.notes)
    names = ClassNames(ORIGINAL, source.rename)
    reader = tree.find(partial(_with_tables, tree, source.photos, names), partial(_in_folders, tree, names))
    listed = reader() if reader else _from_tables(source, tree, names)
    if listed is None:
        raise InputError(f"{source.root / WHOLE[0]} does not exist: check ingest.root and ingest.dataset")
    photos = without_lone_split(listed, source.root, source.notes)
    tree.report_clutter()
    return photos


def _with_tables(tree: Tree, made: Path, names: ClassNames, folder: Path) -> Reader | None:
    if tables := tables_in(tree, folder):
        found = [tables_of_votes for place in (folder, *tree.below()) if (tables_of_votes := votes.find(tree, place))]
        return partial(_from_pixels, tree, made, names, tables, max(found, key=votes.is_whole, default=[]))
    if (tables_of_votes := votes.find(tree, folder)) and (images := _images(tree, folder)):
        return partial(_from_images, tree, tables_of_votes, images)
    return None


def _in_folders(tree: Tree, names: ClassNames, folder: Path) -> Reader | None:
    ferplus = ClassNames(LABELS, names.rename)
    classes = class_folders.find(tree, folder, ferplus) or []
    has_contempt = any(each.label == CONTEMPT and not each.path.name.isdecimal() for each in classes)
    if has_contempt or {str(number) for number in range(8)} <= {each.path.name for each in classes}:
        return partial(_from_folders_of_ferplus, tree, ferplus, classes, folder)
    classes = class_folders.find(tree, folder, names) or []
    return partial(_from_folders, tree, names, classes, folder) if classes else None


def _from_pixels(tree: Tree, made: Path, names: ClassNames, tables: list[Path], new: list[Path]) -> list[Photo]:
    """The photos of tables of pixels, with the votes on them, or with their original labels."""
    faces = [face for table in tables for face in faces_of(table, names)]
    if not new:
        _note_original(tree, tables[0].parent)
    photos, unlabelled = PhotoList(), 0
    pairs = zip(faces, _votes_on(faces, tables[0], new), strict=True)
    for number, (face, vote) in enumerate(progress(pairs, total=len(faces), title="ingest", unit="photos")):
        if not new and face.emotion is None:
            unlabelled += 1
            continue
        name = f"fer{number:07d}"
        usage = _usage(face, vote)
        photo = Photo(name, (made / f"{name}.png").as_posix(), "", split_named(usage), "")
        try:
            _write_png(Path(photo.path), face.pixels)
        except ValueError as error:
            photos.add_unusable(photo, face.where, error, Status.UNREADABLE)
            continue
        if new and vote is None:
            photos.add(replace(photo, status=Status.EXCLUDED, reason=f"no {votes.PART} of FERPlus lists it"))
            continue
        where, label = (vote[0], partial(majority, vote[1])) if vote else (face.where, partial(_original, face, names))
        _add(photos, photo, usage, where, label)
    if unlabelled == len(faces):
        raise InputError(f"{tables[0]} has no column emotion: put {NEW} beside it")
    if unlabelled:
        tree.notes.append(f"{tables[-1]} has no labels: its {unlabelled:,} photos are not read")
    listed = photos.finish()
    tree.report_others(listed, f"the pixels of {tables[0].name} are")
    return listed


def _votes_on(faces: list[Face], table: Path, new: list[Path]) -> list[Vote | None]:
    """The votes on each face; None where there are none."""
    listed = votes.votes_in(new) if new else []
    if not votes.is_whole(new):
        by_stem = {votes.stem_of(vote).casefold(): vote for vote in listed}
        return [by_stem.get(f"fer{number:07d}") for number in range(len(faces))]
    if len(faces) != len(listed):
        raise InputError(f"{new[0]} has {len(listed)} rows, {table} {len(faces)}: take both from one release")
    return list(listed)


def _from_images(tree: Tree, new: list[Path], images: Mapping[str, Path]) -> list[Photo]:
    """The photos that the tables of votes name, as image files."""
    photos = PhotoList()
    for vote in votes.votes_in(new):
        (where, row), stem = vote, votes.stem_of(vote)
        path = images.get(stem.casefold(), new[0].parent / row.get(votes.IMAGE, ""))
        photo = Photo(stem or Path(where).name, path.as_posix(), "", split_named(row[votes.USAGE]), "")
        if stem:
            _add(photos, photo, row[votes.USAGE], where, partial(majority, row))
        else:  # FERPlus names no image where it saw no face
            reason = f"{Path(where).name.partition(' ')[0]} names no image"
            photos.add(replace(photo, path="", status=Status.EXCLUDED, reason=reason))
    listed = photos.finish()
    tree.report_unlisted(photo.path for photo in listed if photo.path)
    return listed


def _from_folders(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FER2013 in folders of classes."""
    _note_original(tree, folder)
    return class_folders.photos_of(tree, classes, names)


def _from_folders_of_ferplus(tree: Tree, names: ClassNames, classes: list[ClassFolder], folder: Path) -> list[Photo]:
    """The photos of a copy of FERPlus in folders of classes."""
    _note_ferplus(tree, folder, [each.path.name for each in classes], names)
    return class_folders.photos_of(tree, classes, names)


def _from_tables(source: DatasetSource, tree: Tree, names: ClassNames) -> list[Photo] | None:
    """The photos of a copy that lists image files with their labels; None if there is no table."""
    listed = public.rows_of(source)
    if listed is None:
        return None
    labels = public.labels_of(photo for _, photo in listed)
    if any(_is_of_ferplus(label) for label in labels):
        names = ClassNames(LABELS, names.rename)
        _note_ferplus(tree, source.root, labels, names)
    else:
        _note_original(tree, source.root)
    return public.labelled(listed, names, source.notes)


def _is_of_ferplus(label: str) -> bool:
    """Whether a label means contempt, which FER2013 does not have; its number is 7 in all copies."""
    return synonymous_label(label, (CONTEMPT,)) is not None or matching_label(label, ("7",)) is not None


def _note_ferplus(tree: Tree, place: Path, labels: Collection[str], names: ClassNames) -> None:
    """Note that a copy has the classes of FERPlus.

    Raises:
        InputError: If they have numbers, of which ``ingest.rename`` does not name all.
    """
    numbers = numbers_in(labels)
    if numbers and not names.are_renamed(numbers):
        meanings = ({number: VOTES[number] for number in range(8)}, ORIGINAL | {7: CONTEMPT})
        ways = [as_yaml({str(number): label for number, label in meaning.items()}) for meaning in meanings]
        raise InputError(
            f"{place}: copies of FERPlus number its 8 classes in two ways: look at some photos, and write in params.yaml "
            f"ingest.rename: {ways[0]}, or ingest.rename: {ways[1]}"
        )
    tree.notes.append(f"{place} has 8 classes: the labels are those of a copy of FERPlus, not of FER2013")


def _original(face: Face, names: ClassNames) -> tuple[str, bool]:
    """The original label of a face, which never ties."""
    return names.name_of(face.emotion or ""), False


def _add(photos: PhotoList, photo: Photo, usage: str, where: str, label_of: Callable[[], tuple[str, bool]]) -> None:
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


def _usage(face: Face, vote: Vote | None) -> str:
    """The part of FER2013 that a row belongs to."""
    if vote is None:
        return face.likely_usage if face.usage is None else face.usage
    where, row = vote
    if face.usage is not None and face.usage.casefold() != row["Usage"].casefold():
        raise InputError(f"{where}: Usage {row['Usage']!r} does not match {face.where}: take both from one release")
    return row["Usage"]


def _images(tree: Tree, folder: Path) -> dict[str, Path]:
    """The image files of FERPlus by their stems."""
    images: dict[str, Path] = {}
    for place, names in tree.walk(folder):
        for path in (place / name for name in names):
            images.setdefault(path.stem.casefold(), path)
    return images


def _note_original(tree: Tree, folder: Path) -> None:
    tree.notes.append(f"{folder} has no {NEW}: the labels are the original labels of FER2013, not FERPlus's votes")


def _write_png(path: Path, text: str) -> None:
    try:
        pixels = np.array(pixels_in(text), dtype=np.uint8).reshape(SIDE, SIDE)
    except (ValueError, OverflowError):
        raise ValueError(f"expected {SIDE * SIDE} pixels of 0 to 255") from None
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
