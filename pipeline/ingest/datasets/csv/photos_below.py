"""Find photos that a table names without all of their folders, such as by their bare names."""

import os
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePath

from pipeline.ingest.datasets.common.folders.folder_tree import is_image, read_tree
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver
from pipeline.ingest.datasets.common.written_paths import folded, plain_path
from pipeline.ingest.split_names import STAND_IN, split_named


class PhotosBelow:
    """The photos below a folder, by the ends of their paths. The folder is read when the first photo is looked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: list[str] = []

    def find(self, written: str, base: Path, split: str) -> list[Path]:
        """Return the photos whose paths end as a table writes them, in any case, with the suffix of any image format.

        Args:
            written: A relative path.
            base: Folder that the table's paths are relative to.
            split: The split of the photo, or empty text. Photos in folders of the split come alone if there are any, and
                photos in the folders of another split are none.

        Returns:
            The photos as paths that begin with ``base``. Those with the suffix that is written come alone if there are any.

        Raises:
            ValueError: If there are photos in folders of other splits alone. The message is a reason.
        """
        path = plain_path(written)
        if path.is_absolute() or ".." in path.parts or not path.name:
            return []
        ends = [folded(part) for part in path.parts]
        named = self._by_folder.get((ends[-2], _stem(path.name))) if len(ends) > 1 else self._by_stem.get(_stem(path.name))
        photos = [photo for photo in named or () if _outer(photo, len(ends)) == ends[:-1]]
        photos = [photo for photo in photos if folded(photo.name) == ends[-1]] or photos
        photos = self._of_split(photos, split) if split else photos
        if len(photos) == 1:
            self._found.append(f"{written} is {photos[0].as_posix()}")
        return [base / os.path.relpath(photo, base) for photo in photos]

    def _of_split(self, photos: list[Path], split: str) -> list[Path]:
        """The photos in folders of a split, or else in folders of no split."""
        stands_in = () if split in self._splits else STAND_IN.get(split, ())
        for places in ((split,), ("",), stands_in):
            found = [photo for photo in photos if split_around(photo.relative_to(self._root)) in places]
            if found:
                return found
        if photos:
            place = photos[0].parent.relative_to(self._root).as_posix()
            raise ValueError(f"its split is {split}, but the photo of its name is in {place}: write its path if it is meant")
        return []

    def without_notes(self) -> "PhotosBelow":
        """Return the same photos, of which finds count for themselves."""
        other = PhotosBelow(self._root)
        other.__dict__.update(_by_stem=self._by_stem, _by_folder=self._by_folder)  # as they were read
        return other

    def unlisted(self, listed: set[str]) -> set[str]:
        """Return the photos whose paths are not among those that a table lists."""
        others = {photo.as_posix() for named in self._by_stem.values() for photo in named} - listed
        if not others:  # looking for links takes longer than all else
            return others
        folders: dict[str, str] = {}
        known = {_real(path, folders) for path in listed}
        return {path for path in others if _real(path, folders) not in known}

    def notes(self) -> list[str]:
        """Say how many photos were found."""
        if not self._found:
            return []
        return [f"{len(self._found):,} photos are found in other folders below {self._root}, e.g. {self._found[0]}"]

    @cached_property
    def _splits(self) -> set[str]:
        """The splits that folders of photos are named after."""
        return {split_around(photo.relative_to(self._root)) for photos in self._by_stem.values() for photo in photos}

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        photos = defaultdict(list)
        for folder in read_tree(self._root, PassedOver()).walk():
            for photo in folder.photos:
                photos[_stem(photo.name)].append(photo)
        return photos

    @cached_property
    def _by_folder(self) -> dict[tuple[str, str], list[Path]]:
        """The photos by the name of their folder, too: each of many folders may hold a photo of the same name."""
        photos = defaultdict(list)
        for stem, named in self._by_stem.items():
            for photo in named:
                photos[folded(photo.parent.name), stem].append(photo)
        return photos


def split_around(file: PurePath) -> str:
    """Return the split of the innermost folder around a file that is named after one; empty if there is none."""
    return next(filter(None, map(split_named, reversed(file.parts[:-1]))), "")


def _real(path: str, folders: dict[str, str]) -> str:
    """The path without links, in the case that this system compares; as it is if no file of this system can have the name.

    ``folders`` keeps what folders really are, since a million photos lie in a few folders.
    """
    try:
        if os.path.islink(path):  # noqa: PTH114 (for speed)
            return os.path.normcase(os.path.realpath(path))
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        return os.path.normcase(os.path.join(folders[folder], name))  # noqa: PTH118 (for speed)
    except (OSError, ValueError):
        return path


def _stem(name: str) -> str:
    """The name without the suffix of an image. A name in a table may lack it, and hold other dots."""
    return folded(name[: -len(PurePath(name).suffix)] if is_image(name) else name)


def _outer(photo: Path, number: int) -> list[str]:
    """The folders of a path with ``number`` parts that ends with the photo."""
    return [folded(part) for part in photo.parts[-number:-1]]
