"""Look into the folders of a dataset: each is listed once, names are found in any letter case, and clutter is passed over.

One listing answers for all photos of a folder: 420,000 questions to a network drive would take hours.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.ingest.datasets.common.folders.clutter import is_clutter
from pipeline.ingest.datasets.common.folders.folder_tree import Folder, count_clutter, is_folder, read_tree
from pipeline.ingest.datasets.common.folders.names import Names
from pipeline.ingest.datasets.common.folders.passed_over import PassedOver, unlisted_line
from pipeline.runtime.errors import InputError

Reader = Callable[[], list[Photo]]  # reads the layout that was found
DEPTH = 3  # folders below ingest.root in which a dataset is looked for
MOST_FOLDERS = 100  # in a folder that is looked into; AffectNet keeps its photos in more than a thousand folders


class Tree:
    """The folders of a dataset, as they are at the first look.

    Attributes:
        root: ``ingest.root``.
        notes: Lines for the user.
    """

    def __init__(self, root: Path, notes: list[str]) -> None:
        self.root = root
        self.notes = notes
        self._listings: dict[Path, tuple[Names, Names]] = {}
        self._inner: dict[tuple[Path, str], Path | None] = {}
        self._passed = PassedOver()

    def files(self, folder: Path) -> Names:
        """Return the names of the files in a folder; none if the folder does not exist."""
        return self._listing(folder)[0]

    def folders(self, folder: Path) -> Names:
        """Return the names of the folders in a folder; none if the folder does not exist."""
        return self._listing(folder)[1]

    def file(self, folder: Path, *names: str) -> Path | None:
        """Return the first of the files that exists, or None."""
        return self._first(folder, self.files(folder), names)

    def folder(self, folder: Path, *names: str) -> Path | None:
        """Return the first of the folders that exists, or None."""
        return self._first(folder, self.folders(folder), names)

    def photo(self, folder: Path, written: str) -> Path | None:
        """Return the photo that a table names, or None.

        A photo may have another letter case or the suffix of another image format than in the table: re-packed datasets
        often do. Folders may be separated by backslashes, as Windows does.

        Args:
            folder: The folder that the path is relative to.
            written: The path in the table.
        """
        inner, _, name = written.replace("\\", "/").rpartition("/")
        place = self._descend(folder, inner)
        if place is None:
            return None
        files = self.files(place)
        found = files.find(name)
        if found is None:
            stem = os.path.splitext(name)[0]  # noqa: PTH122
            found = files.images().get(stem.casefold())
        return None if found is None else place / found

    def walk(self, folder: Path) -> Iterator[tuple[Path, list[str]]]:
        """Yield a folder and the folders in it at any depth, each with the names of its image files. Loops end."""
        yield from self._walk(folder, ())

    def read_all(self) -> tuple[Folder, PassedOver]:
        """Read all folders, however deep; return the root, and the count of what is passed over in it."""
        self._passed = PassedOver()  # which counts again what the looks so far passed over
        return read_tree(self.root, self._passed), self._passed

    def find(self, *layouts: Callable[[Path], Reader | None]) -> Reader | None:
        """Look for the dataset in the root and in the folders below, from the top down.

        Args:
            layouts: Each returns how to read a folder, or None if the folder has another layout. A layout is looked for in
                all folders before the next, which may be mistaken for it.

        Returns:
            How to read the folder in which the dataset is; None if there is none.

        Raises:
            InputError: If several folders of the same depth have the dataset.
        """
        return next(filter(None, map(self._find, layouts)), None)

    def _find(self, layout: Callable[[Path], Reader | None]) -> Reader | None:
        level = [self.root]
        for _ in range(DEPTH + 1):
            found = [(folder, reader) for folder in level if (reader := layout(folder)) is not None]
            if len(found) > 1:
                folders = ", ".join(str(folder) for folder, _ in found)
                raise InputError(f"{self.root} holds the dataset several times: set ingest.root to one of {folders}")
            if found:
                return found[0][1]
            level = [inner for folder in level for inner in self.inner(folder)]
        return None

    def complete(self, parts: Mapping[str, Path | None], find: Callable[[str, Path], Path | None]) -> dict[str, Path] | None:
        """Look for the other parts of a dataset, where a folder has the first part, or all parts that there are.

        Args:
            parts: By name, the parts that the folder has; None for a part that it lacks.
            find: Returns the part of a name in a folder, or None.

        Returns:
            By name, the parts that exist; None if the folder has none, or another folder has the first part.
        """
        if not any(parts.values()):
            return None
        found = {}
        for name, part in parts.items():
            place = part or next(filter(None, (find(name, folder) for folder in self.below())), None)
            if place is not None:
                found[name] = place
        return found if parts[next(iter(found))] is not None else None

    def below(self) -> Iterator[Path]:
        """Yield the root and the folders in it, from the top down to DEPTH."""
        level = [self.root]
        for _ in range(DEPTH + 1):
            yield from level
            level = [inner for folder in level for inner in self.inner(folder)]

    def inner(self, folder: Path) -> list[Path]:
        """Return the folders in a folder, or none if there are so many that they cannot be parts of a dataset."""
        names = self.folders(folder).all
        return [folder / name for name in names] if len(names) <= MOST_FOLDERS else []

    def report_clutter(self) -> None:
        """Note the files and folders that were passed over."""
        self.notes.extend(self._passed.lines())

    def report_unlisted(self, paths: Iterable[str]) -> None:
        """Note how many photos lie beside the listed photos and are in no table."""
        listed = set(paths)
        folders = {Path(folder) for folder in {path.rpartition("/")[0] for path in listed}}
        images = {(folder / name).as_posix() for folder in folders for name in self.files(folder).images().values()}
        self.notes.extend(unlisted_line(images - listed, "no table names them"))

    def report_others(self, photos: Iterable[Photo], reason: str, is_twin: Callable[[Path], bool] = lambda _: False) -> None:
        """Note how many photos of the whole tree are none of these photos.

        Args:
            photos: The photos that have rows.
            reason: Why the others are not read.
            is_twin: Whether a photo is another form of one that has a row, and so is not missing.
        """
        root, _ = self.read_all()
        images = {path.as_posix() for folder in root.walk() for path in folder.photos if not is_twin(path)}
        self.notes.extend(unlisted_line(images - {photo.path for photo in photos}, reason))

    def _listing(self, folder: Path) -> tuple[Names, Names]:
        if folder not in self._listings:
            files: list[str] = []
            folders: list[str] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if is_clutter(entry.name):
                            self._passed.clutter[entry.name] += count_clutter(entry)
                        else:
                            (folders if is_folder(entry) else files).append(entry.name)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                self.notes.append(f"passed over: {folder}, which cannot be read ({error.strerror})")
            self._listings[folder] = Names(files), Names(folders)
        return self._listings[folder]

    def _descend(self, folder: Path, inner: str) -> Path | None:
        """The folder at the relative path ``inner``, or None."""
        if not inner:
            return folder
        key = folder, inner
        if key not in self._inner:
            outer, _, name = inner.rpartition("/")
            place = self._descend(folder, outer)
            if place is not None and name not in ("", "."):
                place = place.parent if name == ".." else self.folder(place, name)
            self._inner[key] = place
        return self._inner[key]

    def _walk(self, folder: Path, around: tuple[str, ...]) -> Iterator[tuple[Path, list[str]]]:
        real = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 (with a separator at the end)
        if any(outer.startswith(real) for outer in around):  # a link to a folder that holds it
            return
        yield folder, [name for name in self.files(folder).all if Path(name).suffix.casefold() in IMAGE_SUFFIXES]
        for name in self.folders(folder).all:
            yield from self._walk(folder / name, (*around, real))

    @staticmethod
    def _first(folder: Path, existing: Names, names: Iterable[str]) -> Path | None:
        for name in names:
            found = existing.find(name)
            if found is not None:
                return folder / found
        return None
