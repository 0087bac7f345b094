"""Photos sorted into folders: ``root/split/label/*.jpg`` or ``root/label/*.jpg``."""

from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import IMAGE_SUFFIXES, DatasetSource
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

SPLIT_NAMES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}


def read(source: DatasetSource) -> list[Photo]:
    """List one photo per file in a label folder, in path order. The subjects are not known.

    A file in a label folder without the suffix of an image is excluded, and so is an image outside the label folders.

    Raises:
        InputError: If no label folder holds an image.
    """
    top = _folders(source.root)
    if top and all(folder.name in SPLIT_NAMES for folder in top):
        classes = [(SPLIT_NAMES[split.name], folder) for split in top for folder in _folders(split)]
        parents = [source.root, *top]
    else:
        classes = [("", folder) for folder in top]
        parents = [source.root]
    photos = []
    for split, folder in classes:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() or path.name.startswith("."):
                continue
            is_image = path.suffix.lower() in IMAGE_SUFFIXES
            status = Status.OK if is_image else Status.EXCLUDED
            reason = "" if is_image else f"its suffix {path.suffix!r} is not that of an image"
            photos.append(_photo(source.root, path, folder.name, split, status, reason))
    if not any(photo.status == Status.OK for photo in photos):
        raise InputError(f"no photo under {source.root}: it must hold label/*.jpg or split/label/*.jpg")
    for parent in parents:
        photos += [
            _photo(source.root, path, "", "", Status.EXCLUDED, "it lies in no label folder")
            for path in sorted(parent.iterdir())
            if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES
        ]
    return photos


def _photo(root: Path, path: Path, label: str, split: str, status: Status, reason: str) -> Photo:
    return Photo(path.relative_to(root).as_posix(), path.as_posix(), label, split, "", status, reason)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
