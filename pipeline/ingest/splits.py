"""Seeded splits: stratified by label, whole subjects, and validation only ever taken out of train."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.errors import InputError


def assign(photos: list[Photo], validation_fraction: float, test_fraction: float, seed: int) -> list[Photo]:
    """Give every photo that is not excluded a split.

    Without any split, ``test_fraction`` of all photos becomes test. Where no photo is validation,
    ``validation_fraction`` of train becomes it. Splits that the dataset has are kept.

    Raises InputError when only some photos have a split, or a split has an unknown name.
    """
    usable = [photo for photo in photos if photo.status == "ok"]
    without = [photo for photo in usable if not photo.split]
    if without and len(without) < len(usable):
        raise InputError(f"photo {without[0].id!r} has no split but others have: give all of them one, or none")
    for photo in usable:
        if photo.split and photo.split not in SPLITS:
            raise InputError(f"photo {photo.id!r} has the split {photo.split!r}: use one of {', '.join(SPLITS)}")

    split = {photo.id: photo.split or "train" for photo in usable}
    if without:
        split.update(dict.fromkeys(choose(usable, test_fraction, seed), "test"))
    if "validation" not in split.values():
        train = [photo for photo in usable if split[photo.id] == "train"]
        split.update(dict.fromkeys(choose(train, validation_fraction, seed + 1), "validation"))
    return [replace(photo, split=split.get(photo.id, "")) for photo in photos]


def choose(photos: list[Photo], fraction: float, seed: int) -> set[str]:
    """The ids of about ``fraction`` of the photos of every label, whole subjects only.

    Subjects are visited from large to small, in seeded order among equals; one is taken if that brings the counts per
    label closer to the wanted ones: the sum over labels of the squared relative error, an excess counting fourfold, so
    that rare labels are represented and one large subject does not make up a label.
    A photo without a subject is its own subject.
    """
    by_subject = defaultdict(list)
    for photo in photos:
        by_subject[photo.subject or f"photo {photo.id}"].append(photo)
    subjects = list(by_subject.values())
    groups = [subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))]
    groups.sort(key=len, reverse=True)

    wanted = {label: number * fraction for label, number in Counter(photo.label for photo in photos).items()}
    missing = dict.fromkeys(wanted, 1.0)  # as a share of the wanted number
    chosen = set()
    for group in groups if fraction else ():
        shares = {label: n / wanted[label] for label, n in Counter(photo.label for photo in group).items()}
        if sum(_error(missing[label]) - _error(missing[label] - share) for label, share in shares.items()) > 0:
            chosen.update(photo.id for photo in group)
            for label, share in shares.items():
                missing[label] -= share
    return chosen


def _error(missing: float) -> float:
    return missing**2 if missing > 0 else 4 * missing**2
