"""The codebooks that the page opens and saves: those that come with aucue, the one of --codebook, and the saved ones."""

import re
import shlex
from functools import lru_cache
from pathlib import Path

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.runtime.commands import paths
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from train.page.settings import Settings

FOLDER = Path(paths.SAVED_CODEBOOKS).name  # in --out
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@lru_cache(maxsize=8)
def _load(path: Path, _: int) -> Codebook:
    return codebooks.load(path)


class Library:
    """Codebooks by their names on the page: a name alone for one of aucue, ``saved/NAME`` and ``given`` for files."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.out / FOLDER
        self.faces = settings.faces
        name = settings.codebook
        self.given = codebooks.find(name) if name is not None and name not in codebooks.shipped() else None
        self.first = "given" if self.given else name or codebooks.shipped()[0]

    def titles(self) -> dict[str, str]:
        """The name and the title of each codebook."""
        given = {"given": str(self.given)} if self.given else {}
        saved = sorted(file.stem for file in self.folder.glob("*.yaml") if NAME.fullmatch(file.stem))
        return {
            **given,
            **{name: name for name in codebooks.shipped()},
            **{f"saved/{name}": f"{name} (saved)" for name in saved},
        }

    def path(self, name: object) -> Path:
        """Find the file of a codebook.

        Raises:
            InputError: If the page lists no codebook of that name.
        """
        if not isinstance(name, str) or name not in self.titles():
            raise InputError(f"there is no codebook {name!r}: choose one of {', '.join(self.titles())}")
        if name == "given" and self.given:
            return self.given
        return self.folder / f"{name.removeprefix('saved/')}.yaml" if name.startswith("saved/") else codebooks.find(name)

    def load(self, name: object) -> Codebook:
        """Load a codebook; once, as long as its file stays the same."""
        path = self.path(name)
        return _load(path, path.stat().st_mtime_ns)

    def save(self, name: str, text: str, replaces: bool) -> Path:
        """Save a codebook below --out.

        Args:
            name: Its name, which is also that of the file.
            text: Content of the file.
            replaces: Whether an earlier file of that name may go.

        Returns:
            The file.

        Raises:
            InputError: If the name is none for a file, or is taken.
        """
        if not NAME.fullmatch(name):
            fix = "use up to 64 letters, digits, - and _, with a letter or digit first"
            raise InputError(f"{name!r} is no name for a codebook: {fix}")
        path = self.folder / f"{name}.yaml"
        if path.is_symlink():  # it may lead outside of --out
            raise InputError(f"{path} is a link: give another name")
        if path.exists() and not replaces:
            raise InputError(f"{path} exists: give another name, or tick “replace”")
        write_text(path, text)
        return path

    def command(self, path: Path) -> str:
        """The command that renders the dataset with a saved codebook."""
        faces = [] if self.faces == Path(paths.FACES) else ["--faces", str(self.faces)]
        return shlex.join(["aucue", "heatmaps", "--codebook", str(path), *faces])
