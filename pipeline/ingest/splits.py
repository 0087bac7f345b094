"""Make seeded splits that are stratified by label and keep subjects whole. Validation is only ever taken out of train."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

# What datasets call the splits, apart from case and from words such as "set": "Train", "val_set", "testing".
NAMES_OF_SPLITS = {
    "train": ("train", "training", "trn", "trainings", "entrainement", "entrenamiento", "treino", "addestramento"),
    "validation": (
        *("validation", "valid", "val", "dev", "development", "eval", "evaluation", "publictest"),
        *("validierung", "validierungs", "validacion", "validacao", "validazione"),
    ),
    "test": ("test", "testing", "tst", "privatetest", "prueba", "teste"),
}
SPLIT_OF_NAME = {name: split for split, names in NAMES_OF_SPLITS.items() for name in names}
ENDS = re.compile(r"(?:data|daten|set|split|images|bilder|photos|fotos)+$")
MORE_WORDS = re.compile(  # beside the name of a split: "train_256", "fer2013_test", "test_labels"
    r"\d{2,}|x|px|data|set|split|images?|imgs?|photos?|pictures?|faces?|aligned|cropped|crops?|resized|folder|class|classes"
    r"|labels?|list|annotations?|metadata|fer|ferplus|raf|rafdb|db|affectnet|basic"
)


def split_of(name: str) -> str:
    """Return the split that a dataset's name for it means, or the name itself if it is not known."""
    word = re.sub(r"[\W_]", "", _without_accents(name.casefold()))
    return SPLIT_OF_NAME.get(ENDS.sub("", word), name)


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """Return the splits that names of one folder or table mean, by name; names that mean none are left out.

    A name with more words (``1_train``, ``train_256``, ``RAF_train_labels``) counts if no other name means its split.
    """
    names = list(names)
    plain = {name: split for name in names if (split := split_of(name)) in SPLITS}
    others = {name: split for name in names if name not in plain and (split := _split_among_words(name))}
    are_clear = Counter([*plain.values(), *others.values()])
    return plain | {name: split for name, split in others.items() if are_clear[split] == 1}


def _split_among_words(name: str) -> str:
    """The split that one word means, if the others are in MORE_WORDS or are the number of the folder (``1_train``)."""
    words = re.findall(r"[^\W\d_]+|\d+", _without_accents(name.casefold()))
    words = words[1:] if words and words[0].isdecimal() else words
    splits = [split for word in words if (split := split_of(word)) in SPLITS]
    others = [word for word in words if split_of(word) not in SPLITS and not MORE_WORDS.fullmatch(word)]
    return splits[0] if len(splits) == 1 and not others else ""


def _without_accents(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))


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
