"""The folders of a set of AffectNet's newer layout: where its photos and their annotations are."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pipeline.ingest.datasets.common.folders.tree import Tree

END = "_exp.npy"  # of an annotation of the class
IMAGES, ANNOTATIONS = "images", "annotations"


class SetFolders:
    """The photos and annotations of a set.

    Both lie in ``images/`` and ``annotations/``, in these again (``images/images``), or beside one another. Copies sort them
    into parts, a folder for each class, and sometimes only one of the two.

    Args:
        tree: The dataset.
        folder: The set.
    """

    def __init__(self, tree: Tree, folder: Path) -> None:
        self._tree = tree
        self._images, self._annotations = _places(tree, folder, IMAGES), _places(tree, folder, ANNOTATIONS)
        self._folder = folder

    @property
    def of_annotations(self) -> Path:
        """The folder in which the annotations are published."""
        return self._annotations[0]

    @cached_property
    def parts(self) -> list[str]:
        """The names of the parts, after the empty name of the photos in none."""
        places = (*self._images, *self._annotations)
        inner = {part.name for place in places for part in self._tree.inner(place)}
        return ["", *sorted(inner - {place.name for place in places})]

    def annotations(self) -> dict[str, dict[str, Path]]:
        """Return the annotations of each part by number. One that lies among the annotations counts before one elsewhere."""
        found: dict[str, dict[str, Path]] = {}
        for part in self.parts:
            numbers: dict[str, Path] = {}
            for place in self._places_of(part, ANNOTATIONS):
                numbers = numbers_in(self._tree, place) | numbers
            found[part] = dict(sorted(numbers.items(), key=lambda pair: (len(pair[0]), pair[0])))
        return found

    def photo(self, part: str, number: str) -> Path | None:
        """Return the photo of an annotation: that of its part, or else the only one of its number; None if there is none."""
        file = f"{number}.jpg"
        for place in (*self._places_of(part, IMAGES), *self._places_of("", IMAGES)):
            if own := self._tree.photo(place, file):
                return own
        places = [] if part else [place for other in self.parts for place in self._places_of(other, IMAGES)]
        found = set(filter(None, (self._tree.photo(place, file) for place in places)))
        return found.pop() if len(found) == 1 else None

    def published(self, part: str, number: str) -> Path:
        """Return the path that the photo of an annotation should have."""
        return self._places_of(part, IMAGES)[0] / f"{number}.jpg"

    def photos(self, part: str) -> Iterator[Path]:
        """Yield all photos of a part."""
        for place in self._places_of(part, IMAGES):
            for _, name in sorted(self._tree.files(place).images().items()):
                yield place / name

    def _places_of(self, part: str, first: str) -> list[Path]:
        """The folders in which the photos and annotations of a part may be, those of one kind first."""
        kinds = (self._annotations, self._images) if first == ANNOTATIONS else (self._images, self._annotations)
        places = [place / part for kind in kinds for place in kind]
        return places if part else [*places, self._folder]


def numbers_in(tree: Tree, folder: Path) -> dict[str, Path]:
    """Return the annotations of classes in a folder, by the numbers of their photos."""
    names = tree.files(folder).all
    return {name[: -len(END)]: folder / name for name in names if name.casefold().endswith(END)}


def _places(tree: Tree, folder: Path, name: str) -> list[Path]:
    """The folder of a name in a set, and the folder of the same name in it if there is one."""
    outer = tree.folder(folder, name) or folder / name
    inner = tree.folder(outer, name)
    return [outer, inner] if inner else [outer]
