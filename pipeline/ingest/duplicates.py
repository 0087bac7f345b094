"""Find photos that a dataset holds twice.

In another split a copy makes the test too easy, with another label it confuses training.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.status import Status


@dataclass(frozen=True)
class Duplicate:
    """A photo with byte-for-byte copies in another split or with another label."""

    sha256: str
    id: str
    path: str
    label: str
    split: str
    problem: str  # in several splits | with several labels | in several splits, with several labels


def find(photos: Sequence[Photo]) -> list[Duplicate]:
    """Find all duplicates. Copies of a photo follow one another.

    The faces of one photo, which have different boxes, may have different labels, but belong in one split.
    """
    return [
        Duplicate(photo.sha256, photo.id, photo.path, photo.label, photo.split, problem)
        for group in _copies(photos)
        for photo, problem in _with_problems(group)
    ]


def without_leaks(photos: Sequence[Photo]) -> list[Photo]:
    """Exclude train and validation photos that the test split also has, and train photos that validation also has."""
    kept: dict[str, Photo] = {}  # id of an excluded photo -> the copy that stays
    for group in _copies(photos):
        last = max(group, key=lambda photo: SPLITS.index(photo.split))
        kept |= {photo.id: last for photo in group if photo.split != last.split}
    return [
        replace(photo, status=Status.EXCLUDED, reason=f"same bytes as {kept[photo.id].id} in {kept[photo.id].split}")
        if photo.id in kept
        else photo
        for photo in photos
    ]


def _copies(photos: Sequence[Photo]) -> Iterator[list[Photo]]:
    by_content = defaultdict(list)
    for photo in photos:
        if photo.status == Status.OK and photo.sha256:
            by_content[photo.sha256].append(photo)
    return (group for group in by_content.values() if len(group) > 1)


def _with_problems(group: Sequence[Photo]) -> Iterator[tuple[Photo, str]]:
    several_splits = len({photo.split for photo in group}) > 1
    labels = defaultdict(set)  # box of a face -> its labels
    for photo in group:
        labels[photo.box].add(photo.label)
    for photo in group:
        problems = {"in several splits": several_splits, "with several labels": len(labels[photo.box]) > 1}
        if any(problems.values()):
            yield photo, ", ".join(problem for problem, is_so in problems.items() if is_so)
