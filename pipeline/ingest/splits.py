"""Make seeded splits that are stratified by label and keep subjects whole. Validation is only ever taken out of train."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status


def assign(photos: list[Photo], validation_fraction: float, test_fraction: float, seed: int) -> list[Photo]:
    """Give a split to every photo that is ok. Splits that the dataset has are kept.

    Args:
        photos: Photos with or without splits.
        validation_fraction: Share of the train photos that becomes validation if the dataset has no validation split.
        test_fraction: Share of all photos that becomes test if the dataset has no splits at all.
        seed: Decides the order in which subjects are visited.

    Returns:
        The photos with their splits, in the same order.

    Raises:
        InputError: If only some photos have a split, or if a split has an unknown name.
    """
    usable = [photo for photo in photos if photo.status == Status.OK]
    without = [photo for photo in usable if not photo.split]
    if without and len(without) < len(usable):
        raise InputError(f"photo {without[0].id!r} has no split but others have: give all of them one, or none")
    for photo in usable:
        if photo.split and photo.split not in SPLITS:
            raise InputError(f"photo {photo.id!r} has the split {photo.split!r}: use one of {', '.join(SPLITS)}")

    if usable and not without and not any(photo.split == "train" for photo in usable):
        has = " and ".join(split for split in SPLITS if any(photo.split == split for photo in usable))
        raise InputError(
            f"the dataset has {has} photos, but no training photos: add a folder or rows of the split train, or name the "
            f"folder of the labels in ingest.root, or empty the column split, to have splits made"
        )
    split = {photo.id: photo.split or "train" for photo in usable}
    if without:
        split.update(dict.fromkeys(choose(usable, test_fraction, seed), "test"))
    if "validation" not in split.values():
        train = [photo for photo in usable if split[photo.id] == "train"]
        split.update(dict.fromkeys(choose(train, validation_fraction, seed + 1), "validation"))
    return [
        photo if photo.status == Status.UNREADABLE else replace(photo, split=split.get(photo.id, "")) for photo in photos
    ]


def choose(photos: list[Photo], fraction: float, seed: int) -> set[str]:
    """Choose about a fraction of the photos of every label, whole subjects only.

    Subjects are visited from large to small, and in seeded order among subjects of equal size. A subject is chosen if it
    brings the counts per label closer to the wanted counts. The error is the sum over labels of the squared relative error,
    and an excess counts fourfold. So rare labels are represented, and no label comes from one large subject alone. A photo
    without a subject is a subject of its own. Subjects whose faces are in one photo count as one.

    Args:
        photos: Photos to choose from.
        fraction: Wanted share of the photos of every label, from 0 to 1.
        seed: Decides the order among subjects of equal size.

    Returns:
        The ids of the chosen photos.
    """
    subjects = _inseparable(photos)
    groups = [subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))]
    groups.sort(key=len, reverse=True)

    wanted = {label: number * fraction for label, number in Counter(photo.label for photo in photos).items()}
    missing = dict.fromkeys(wanted, 1.0)  # as a share of the wanted number
    chosen: set[str] = set()
    for group in groups if fraction else ():
        shares = {label: n / wanted[label] for label, n in Counter(photo.label for photo in group).items()}
        if sum(_penalty(missing[label]) - _penalty(missing[label] - share) for label, share in shares.items()) > 0:
            chosen.update(photo.id for photo in group)
            for label, share in shares.items():
                missing[label] -= share
    return chosen


def _inseparable(photos: list[Photo]) -> list[list[Photo]]:
    """Group the photos that share a subject or a file, directly or through others, in the order of their first photos."""
    joined: dict[tuple[str, str], tuple[str, str]] = {}  # a subject or file -> another of its group

    def group(member: tuple[str, str]) -> tuple[str, str]:
        while member in joined:
            member = joined[member]
        return member

    for photo in photos:
        file, subject = group(("file", photo.path or photo.id)), group(("subject", photo.subject))
        if photo.subject and file != subject:
            joined[file] = subject
    groups = defaultdict(list)
    for photo in photos:
        groups[group(("file", photo.path or photo.id))].append(photo)
    return list(groups.values())


def _penalty(missing: float) -> float:
    return missing**2 if missing > 0 else 4 * missing**2
