"""The image files and boxes of RAF-DB, wherever they are in its folder."""

from collections.abc import Collection
from pathlib import Path

from pipeline.faces.boxes import Box, parse_box
from pipeline.ingest.datasets.common.tree import Tree
from pipeline.runtime.errors import InputError

ALIGNED = "_aligned"


class Images:
    """The original photos if there are any, else the aligned photos.

    Attributes:
        are_original: Whether they are the original photos.
    """

    def __init__(self, tree: Tree, basic: Path, stems: Collection[str]) -> None:
        outer = tree.folder(basic, "Image") or basic
        self._original, self._aligned = tree.folder(outer, "original"), tree.folder(outer, "aligned")
        original: dict[str, Path] = {}
        aligned: dict[str, Path] = {}
        for top in filter(None, (self._original, self._aligned, basic)):
            for folder, names in tree.walk(top):
                in_aligned = "aligned" in (part.casefold() for part in folder.relative_to(basic).parts)
                for path in (folder / name for name in names):
                    stem = path.stem.casefold()
                    images = aligned if in_aligned or stem.endswith(ALIGNED) else original
                    images.setdefault(stem.removesuffix(ALIGNED), path)
        if not any((original, aligned, self._original, self._aligned)):
            raise InputError(
                f"{basic / 'Image'} has neither original/ nor aligned/: unpack one of RAF-DB's image archives there"
            )
        found_original = any(stem.casefold() in original for stem in stems)
        found_aligned = any(stem.casefold() in aligned for stem in stems)
        self.are_original = found_original or (self._original is not None and not found_aligned)
        self._paths = original if self.are_original else aligned

    def path(self, stem: str) -> Path:
        """Return the image of a photo; the path where it is published if there is none."""
        found = self._paths.get(stem.casefold())
        if found is not None:
            return found
        if self.are_original:
            return (self._original or Path()) / f"{stem}.jpg"
        return (self._aligned or Path()) / f"{stem}{ALIGNED}.jpg"


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
