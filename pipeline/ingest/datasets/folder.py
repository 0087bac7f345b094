"""Photos sorted into folders: ``root/split/label/*.jpg`` or ``root/label/*.jpg``."""

from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import IMAGE_SUFFIXES, DatasetSource
from pipeline.runtime.errors import InputError

SPLIT_NAMES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}


def read(source: DatasetSource) -> list[Photo]:
    """One photo per file in a label folder, in path order; the subject is not known.

    Files there that are no images by their names, and images that lie in no label folder, are excluded.
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
            image = path.suffix.lower() in IMAGE_SUFFIXES
            status, reason = ("ok", "") if image else ("excluded", f"its suffix {path.suffix!r} is not that of an image")
            photos.append(_photo(source.root, path, folder.name, split, status, reason))
    if not any(photo.status == "ok" for photo in photos):
        raise InputError(f"no photo under {source.root}: it must hold label/*.jpg or split/label/*.jpg")
    for parent in parents:
        for path in sorted(parent.iterdir()):
            if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
                photos.append(_photo(source.root, path, "", "", "excluded", "it lies in no label folder"))
    return photos


def _photo(root: Path, path: Path, label: str, split: str, status: str, reason: str) -> Photo:
    return Photo(path.relative_to(root).as_posix(), path.as_posix(), label, split, "", status, reason)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
