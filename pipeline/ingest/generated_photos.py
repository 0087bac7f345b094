"""The folder of the pictures that ingest makes for a dataset. ``index.json`` in it records which files there are aucue's."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest, locked, write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.outputs.places import building_folder, make_folder, move, naming_output, uninterrupted
from pipeline.runtime.workers.parallel import threaded_map

RECORD, FILES = "index.json", "generated_photos"

Digests = dict[str, str]  # name of a file -> SHA-256 of its content


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to make pictures in. They replace the pictures of an earlier run when the with block ends.

    Only files that aucue made are replaced or removed. After an error the earlier pictures stay.

    Args:
        folder: The folder of the pictures; it is made if necessary.

    Raises:
        InputError: If a picture would replace a file that aucue did not make.
        OSError: If a picture cannot be written; the error names it by its final path.
    """
    refuse_foreign(folder / RECORD, json_with(FILES))
    with locked(folder):
        building = building_folder(folder)
        try:
            with naming_output(building, folder):
                yield building
                _publish(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def moved(photos: Iterable[Photo], building: Path, folder: Path) -> list[Photo]:
    """Name the pictures of ``building`` by their final path in ``folder``; leave other photos as they are."""
    return [
        replace(photo, path=(folder / Path(photo.path).name).as_posix()) if is_made(photo, building) else photo
        for photo in photos
    ]


def is_made(photo: Photo, building: Path) -> bool:
    """Tell whether a photo is a picture that was made in ``building``."""
    return photo.path.startswith(f"{building.as_posix()}/")


def _publish(building: Path, folder: Path) -> None:
    made, earlier = _digests(building), _unchanged(folder)
    for name, digest in made.items():
        path = folder / name
        if name not in earlier and path.exists() and path.stat().st_size and file_digest(path) != digest:
            raise InputError(f"{path} is not as aucue made it, and would be lost: move it to a folder of your own")
    make_folder(folder)
    with uninterrupted():
        for name in earlier:
            (folder / name).unlink()
        if made:
            write_text(folder / RECORD, json.dumps({FILES: made}, indent=1, sort_keys=True) + "\n")
        else:
            (folder / RECORD).unlink(missing_ok=True)
        for name in made:
            move(building / name, folder / name)


def _unchanged(folder: Path) -> Digests:
    """The files of an earlier run that are as it made them."""
    try:
        recorded = json.loads((folder / RECORD).read_text(encoding="utf-8"))[FILES]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return {name: digest for name, digest in _digests(folder).items() if recorded.get(name) == digest}


def _digests(folder: Path) -> Digests:
    files = sorted(file for file in folder.glob("[!.]*") if file.name != RECORD and file.is_file())
    return {file.name: digest for file, digest in zip(files, threaded_map(file_digest, files, "auto"), strict=True)}
