"""The same photo twice: what is in several splits flatters the test, what has several labels confuses the training."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.faces.manifest import SPLITS, Photo


@dataclass(frozen=True)
class Duplicate:
    """A photo that others equal byte for byte, in another split or with another label."""

    sha256: str
    id: str
    path: str
    label: str
    split: str
    problem: str  # in several splits | with several labels | in several splits, with several labels


def find(photos: Sequence[Photo]) -> list[Duplicate]:
    """All of them, copies beside each other."""
    return [
        Duplicate(photo.sha256, photo.id, photo.path, photo.label, photo.split, problem)
        for group in _copies(photos)
        if (problem := _problem(group))
        for photo in group
    ]


def without_leaks(photos: Sequence[Photo]) -> list[Photo]:
    """Exclude training and validation photos that the test split has too, and training photos that validation has."""
    kept = {}
    for group in _copies(photos):
        last = max(group, key=lambda photo: SPLITS.index(photo.split))
        kept |= {photo.id: last for photo in group if photo.split != last.split}
    return [
        replace(photo, status="excluded", reason=f"same bytes as {kept[photo.id].id} in {kept[photo.id].split}")
        if photo.id in kept
        else photo
        for photo in photos
    ]


def _copies(photos: Sequence[Photo]) -> Iterator[list[Photo]]:
    by_content = defaultdict(list)
    for photo in photos:
        if photo.status == "ok" and photo.sha256:
            by_content[photo.sha256].append(photo)
    return (group for group in by_content.values() if len(group) > 1)


def _problem(group: Sequence[Photo]) -> str:
    found = {
        "in several splits": {photo.split for photo in group},
        "with several labels": {photo.label for photo in group},
    }
    return ", ".join(name for name, values in found.items() if len(values) > 1)
