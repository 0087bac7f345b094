"""Refuse inputs that lie in an output of aucue: a stage replaces its output, and DVC removes it before the stage runs."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.runtime.commands.paths import OUTPUTS, SAVED_CODEBOOKS
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Params

Identity = tuple[int, int]  # device and number of a file: the same through links, mounts and other letter case


class OutputsGuard:
    """Knows the outputs that exist, and finds the output that a path lies in."""

    def __init__(self, outputs: Iterable[str | Path] = OUTPUTS) -> None:
        known = {_identity(Path(output)): Path(output) for output in outputs}
        self._known: dict[Identity, Path | None] = {identity: output for identity, output in known.items() if identity}
        if saved := _identity(Path(SAVED_CODEBOOKS)):
            self._known[saved] = None  # a user's own files inside an output
        self._of_path: dict[str, Path | None] = {}

    def refuse(self, name: str, path: str) -> None:
        """Raise InputError if a file or folder is or lies in an output, by its name or through links.

        Args:
            name: The path's name in the message, such as a parameter and its value.
            path: The file or folder.
        """
        if output := self._output_of(path):
            raise InputError(f"{name} is in {output}, an output of aucue where it would be lost: move it to another folder")

    def refuse_photos(self, photos: Iterable[Photo]) -> None:
        """Raise InputError for the first photo that lies in an output. Each folder is looked up once."""
        for photo in photos:
            if "\0" in photo.path:
                continue
            if self._output_of(os.path.dirname(photo.path)) or os.path.islink(photo.path):  # noqa: PTH114, PTH120 (for speed)
                self.refuse(photo.path, photo.path)

    def refuse_root(self, root: str) -> None:
        """Raise InputError if the folder of a dataset, or a file that a link in it leads to, lies in an output."""
        self.refuse(f"ingest.root {root!r}", root)
        for entry in sorted(Path(root).iterdir()):
            if entry.is_symlink():
                self.refuse(str(entry), str(entry))

    def _output_of(self, path: str) -> Path | None:
        if path not in self._of_path:
            places = [Path(os.path.abspath(path)), Path(os.path.realpath(path))]  # noqa: PTH100 (links stay in the first)
            identities = [_identity(each) for place in places for each in (place, *place.parents)]
            self._of_path[path] = next((self._known[each] for each in identities if each in self._known), None)
        return self._of_path[path]


def refuse_parameters(params: Params) -> None:
    """Raise InputError if a file or folder of the user that a parameter names lies in an output."""
    guard = OutputsGuard()
    named: Mapping[str, str | None] = {
        "heatmaps.codebook": params.heatmaps.codebook,
        "landmarks.predictor": params.landmarks.predictor,
        "train.backbone": params.train.backbone.removeprefix("hf:"),
    }
    for name, path in named.items():
        if path and os.path.lexists(path):
            guard.refuse(f"{name} {path!r}", path)


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
