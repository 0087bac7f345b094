"""The photos of FER2013 in tables of pixels: write each as a PNG file, with the votes on it or with its original label."""

from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.numbering import describe_numbers
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.ferplus import votes
from pipeline.ingest.datasets.ferplus.classes import names_for
from pipeline.ingest.datasets.ferplus.columns import SIDE, pixels_in
from pipeline.ingest.datasets.ferplus.labelled import add
from pipeline.ingest.datasets.ferplus.tables import Face, faces_of, unread_beside
from pipeline.ingest.datasets.ferplus.votes import NEW, Vote, majority
from pipeline.ingest.split_names import split_named
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status


def photos_of(tree: Tree, made: Path, names: ClassNames, tables: list[Path], new: list[Path]) -> list[Photo]:
    """List the photos of tables of pixels, with the votes on them, or with their original labels.

    Args:
        tree: The dataset.
        made: Folder for the PNG files.
        names: The classes of FER2013.
        tables: The tables of pixels.
        new: The tables of votes; none if there are none.

    Raises:
        InputError: If the tables do not belong together, or most rows cannot be used.
    """
    faces = [face for table in tables for face in faces_of(table, names)]
    emotions = _emotions_of_photos(faces)
    names = names if new else names_for(tree, tables[0], emotions, names)
    if unread := unread_beside(tree, tables):
        tree.notes.append(f"not read: {', '.join(unread)}")
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
        add(photos, photo, usage, where, label)
    if unlabelled == len(faces):
        raise InputError(f"{tables[0]} has no column emotion: put {NEW} beside it")
    if unlabelled:
        tree.notes.append(f"{tables[-1]} has no labels: its {unlabelled:,} photos are not read")
    listed = photos.finish()
    if not new:
        describe_numbers(tables[0], "emotions", emotions, emotions, names)
    tree.report_others(listed, f"the pixels of {tables[0].name} are")
    return listed


def _emotions_of_photos(faces: list[Face]) -> set[str]:
    """The labels that at least one row with all pixels has."""
    rows: dict[str, list[Face]] = defaultdict(list)
    for face in faces:
        rows[face.emotion or ""].append(face)
    has_pixels = {emotion: any(len(pixels_in(face.pixels)) == SIDE * SIDE for face in rows[emotion]) for emotion in rows}
    return {emotion for emotion, has in has_pixels.items() if emotion and has}


def _votes_on(faces: list[Face], table: Path, new: list[Path]) -> list[Vote | None]:
    """The votes on each face; None where there are none."""
    listed = votes.votes_in(new) if new else []
    if not votes.is_whole(new):
        by_stem = {votes.stem_of(vote).casefold(): vote for vote in listed}
        return [by_stem.get(f"fer{number:07d}") for number in range(len(faces))]
    if len(faces) != len(listed):
        raise InputError(f"{new[0]} has {len(listed)} rows, {table} {len(faces)}: take both from one release")
    return list(listed)


def _original(face: Face, names: ClassNames) -> tuple[str, bool]:
    """The original label of a face, which never ties."""
    return names.name_of(face.emotion or ""), False


def _usage(face: Face, vote: Vote | None) -> str:
    """The part of FER2013 that a row belongs to."""
    if vote is None:
        return face.likely_usage if face.usage is None else face.usage
    where, row = vote
    if face.usage is not None and face.usage.casefold() != row["Usage"].casefold():
        raise InputError(f"{where}: Usage {row['Usage']!r} does not match {face.where}: take both from one release")
    return row["Usage"]


def _write_png(path: Path, text: str) -> None:
    try:
        pixels = np.array(pixels_in(text), dtype=np.uint8).reshape(SIDE, SIDE)
    except (ValueError, OverflowError):
        raise ValueError(f"expected {SIDE * SIDE} pixels of 0 to 255") from None
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
