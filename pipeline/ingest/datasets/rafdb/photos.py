"""The image files and boxes of RAF-DB, wherever they are in its folder."""

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from pipeline.faces.boxes import Box, parse_box
from pipeline.ingest.datasets import NothingFoundError
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.split_names import STAND_IN, split_named

ALIGNED = "_aligned"


class Images:
    """The original photos, or the aligned photos if these are more.

    Copies may have one name in train and in test, so the folder of the split counts, too.

    Attributes:
        are_original: Whether they are the original photos.
    """

    def __init__(self, tree: Tree, basic: Path, stems: Collection[str]) -> None:
        outer = tree.folder(basic, "Image") or basic
        self._basic = basic
        self._original, self._aligned = tree.folder(outer, "original"), tree.folder(outer, "aligned")
        original: dict[str, list[Path]] = defaultdict(list)
        aligned: dict[str, list[Path]] = defaultdict(list)
        for folder, _ in tree.walk(basic):
            in_aligned = "aligned" in (part.casefold() for part in folder.relative_to(basic).parts)
            for stem, name in tree.files(folder).images().items():
                images = aligned if in_aligned or stem.endswith(ALIGNED) else original
                images[stem.removesuffix(ALIGNED)].append(folder / name)
        if not any((original, aligned, self._original, self._aligned)):
            raise NothingFoundError(
                f"{basic / 'Image'} has neither original/ nor aligned/: unpack one of RAF-DB's image archives there"
            )
        originals, aligneds = (sum(stem.casefold() in paths for stem in stems) for paths in (original, aligned))
        self.are_original = originals >= aligneds if originals or aligneds else self._original is not None
        self._paths = original if self.are_original else aligned

    def path(self, stem: str, split: str) -> Path:
        """Return the image of a photo; the path where it is published if there is none.

        Args:
            stem: The name of the photo.
            split: Its split. A photo in a folder of another split is not meant.

        Raises:
            ValueError: If several photos have the name. The message is a reason.
        """
        places = (self._original if self.are_original else self._aligned) or Path()
        found = self._candidates(stem.casefold(), split, places)
        if len(found) > 1:
            first, second = (path.relative_to(self._basic).as_posix() for path in found[:2])
            raise ValueError(f"several photos have its name, {first} and {second}: keep one of them")
        return found[0] if found else self.published_path(stem)

    def split(self, stem: str) -> str:
        """Return the split of the folder in which the photos of a name lie; empty if there is none, or several."""
        splits = {self._split(path) for path in self._paths.get(stem.casefold(), ())}
        return splits.pop() if len(splits) == 1 else ""

    def published_path(self, stem: str) -> Path:
        """Return the path that a photo has in the published archives."""
        if self.are_original:
            return (self._original or Path()) / f"{stem}.jpg"
        return (self._aligned or Path()) / f"{stem}{ALIGNED}.jpg"

    def _candidates(self, stem: str, split: str, published: Path) -> list[Path]:
        """The photos with a name: those in the folders of their split, and in the published folder, come first."""
        named = [(path, self._split(path)) for path in self._paths.get(stem, ())]
        found = [path for path, of_folder in named if of_folder in ("", split)]
        found = found or [path for path, of_folder in named if of_folder in STAND_IN.get(split, ())]
        for is_better in (lambda path: self._split(path) == split, lambda path: path.is_relative_to(published)):
            found = list(filter(is_better, found)) or found
        return found

    def _split(self, path: Path) -> str:
        """The split of the innermost folder that is named after one; empty if there is none."""
        parts = reversed(path.parent.relative_to(self._basic).parts)
        return next(filter(None, map(split_named, parts)), "")


class Boxes:
    """The dataset's boxes of the faces in the original photos."""

    def __init__(self, tree: Tree, basic: Path) -> None:
        self._tree = tree
        outer = tree.folder(basic, "Annotation") or basic
        self._folder = tree.folder(outer, "boundingbox") or outer
        self._folder = tree.folder(self._folder, "boundingbox") or self._folder  # unpacked into a folder of its own name

    def box(self, stem: str) -> Box | None:
        """Return the box; None if the dataset gives no box, so that stage detect looks for the face.

        Raises:
            ValueError: If the file is damaged. The message is a reason.
        """
        file = self._tree.file(self._folder, f"{stem}_boundingbox.txt")
        if file is None:
            return None
        try:
            return parse_box(file.read_text(encoding="utf-8-sig").replace(",", " "))
        except (OSError, ValueError) as error:
            raise ValueError(f"{file.name}: {error}: restore the published file") from error
