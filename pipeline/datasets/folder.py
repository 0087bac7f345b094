"""Photos sorted into folders: ``root/split/label/*.jpg`` or ``root/label/*.jpg``."""

from pathlib import Path

from pipeline.datasets import IMAGE_SUFFIXES, Source
from pipeline.errors import InputError
from pipeline.manifest import Photo

SPLIT_NAMES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}


def read(source: Source) -> list[Photo]:
    """One photo per image file, in path order. The subject is not known."""
    top = _folders(source.root)
    if top and all(folder.name in SPLIT_NAMES for folder in top):
        classes = [(SPLIT_NAMES[split.name], folder) for split in top for folder in _folders(split)]
    else:
        classes = [("", folder) for folder in top]
    photos = [
        Photo(path.relative_to(source.root).as_posix(), path.as_posix(), folder.name, split, subject="")
        for split, folder in classes
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not photos:
        raise InputError(f"no photo under {source.root}: it must hold label/*.jpg or split/label/*.jpg")
    return photos


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
