"""FERPlus: votes in ``fer2013new.csv`` on the 48 x 48 grey pixels in ``fer2013.csv``; or FER2013 with its original labels.

Copies have the photos as image files: FERPlus in ``FER2013Train/fer0000000.png``, perhaps with its votes in ``label.csv``
beside them, or in ``train/contempt/*.jpg``; FER2013 in ``train/angry/*.jpg``.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource, NothingFoundError
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders.tree import Reader, Tree
from pipeline.ingest.datasets.common.missing_splits import without_lone_split
from pipeline.ingest.datasets.common.photo_list import PhotoList
from pipeline.ingest.datasets.csv.absence import hint_at_lists
from pipeline.ingest.datasets.ferplus import copies, pixels, votes
from pipeline.ingest.datasets.ferplus.classes import LABELS
from pipeline.ingest.datasets.ferplus.labelled import add
from pipeline.ingest.datasets.ferplus.tables import ORIGINAL, WHOLE, tables_in
from pipeline.ingest.datasets.ferplus.votes import majority
from pipeline.ingest.split_names import split_named
from pipeline.runtime.status import Status

__all__ = ["LABELS", "read"]


def read(source: DatasetSource) -> list[Photo]:
    """List every row as a photo, and write its pixels as a PNG file.

    The label is the class with most votes. A photo with a tie is excluded. Without ``fer2013new.csv`` the labels are the
    original labels of FER2013.

    Raises:
        InputError: If no folder has a known layout, the two tables do not belong together, or most rows cannot be used.
    """
    tree = Tree(source.root, source.notes)
    names = ClassNames(ORIGINAL, source.rename)
    reader = tree.find(partial(_with_tables, tree, source.photos, names), partial(copies.in_folders, tree, names))
    listed = reader() if reader else copies.in_tables(source, tree, names)
    if listed is None:
        problem = "lists no photos" if tree.file(source.root, *WHOLE) else "does not exist"
        fix = f"check ingest.root and ingest.dataset{hint_at_lists(tree)}"
        raise NothingFoundError(f"{source.root / WHOLE[0]} {problem}: {fix}")
    photos = without_lone_split(listed, source.root, source.notes)
    tree.report_clutter()
    return photos


def _with_tables(tree: Tree, made: Path, names: ClassNames, folder: Path) -> Reader | None:
    if tables := tables_in(tree, folder):
        found = [tables_of_votes for place in (folder, *tree.below()) if (tables_of_votes := votes.find(tree, place))]
        return partial(pixels.photos_of, tree, made, names, tables, max(found, key=votes.is_whole, default=[]))
    if (tables_of_votes := votes.find(tree, folder)) and (images := _images(tree, folder)):
        return partial(_from_images, tree, tables_of_votes, images)
    return None


def _from_images(tree: Tree, new: list[Path], images: Mapping[str, Path]) -> list[Photo]:
    """The photos that the tables of votes name, as image files."""
    photos = PhotoList()
    for vote in votes.votes_in(new):
        (where, row), stem = vote, votes.stem_of(vote)
        path = images.get(stem.casefold(), new[0].parent / row.get(votes.IMAGE, ""))
        photo = Photo(stem or Path(where).name, path.as_posix(), "", split_named(row[votes.USAGE]), "")
        if stem:
            add(photos, photo, row[votes.USAGE], where, partial(majority, row))
        else:  # FERPlus names no image where it saw no face
            reason = f"{Path(where).name.partition(' ')[0]} names no image"
            photos.add(replace(photo, path="", status=Status.EXCLUDED, reason=reason))
    listed = photos.finish()
    tree.report_unlisted(photo.path for photo in listed if photo.path)
    return listed


def _images(tree: Tree, folder: Path) -> dict[str, Path]:
    """The image files of FERPlus by their stems."""
    images: dict[str, Path] = {}
    for place, names in tree.walk(folder):
        for path in (place / name for name in names):
            images.setdefault(path.stem.casefold(), path)
    return images
