"""Plan what every picture of the demo shows: its portrait, its split, its action units (AUs) and their intensities.

Every picture has its own random streams, keyed by the picture, so that neither the order of the pictures nor the number of
workers changes a byte.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TEST_PEOPLE, VALIDATION_PEOPLE = 8, 4  # all other people train

DROP_PROBABILITY = 0.2  # that a picture leaves out an AU of its expression
INTENSITY = (0.5, 1.2)
ASYMMETRY = 0.08  # standard deviation of each side's factor
RESTING_INTENSITY = 0.12  # greatest intensity of the two stray AUs on a resting face

# The AUs from which a viewer reads an expression. They are never left out of an expression that lists them.
CARRIERS = frozenset({1, 4, 9, 12, 15, 20, 26, 27})
# Pairs of AUs that a face cannot show at once, or that look the same. A picture shows one AU of a pair. 26 and 27 are
# degrees of one jaw movement; 17 and 24 close the mouth that 16, 26 and 27 (for 24 also 25) open.
EXCLUSIVE = frozenset(map(frozenset, [(26, 27), (16, 17), (17, 26), (17, 27), (24, 25), (24, 26), (24, 27)]))
# Share of an AU that is left beside a stronger AU, as {(stronger, au): share}. A raised inner brow can hardly be lowered.
# Tight lids or a wrinkled nose hardly let the eye widen. A face that tightens its lids, stretches or tightens its lips,
# raises its upper lip or wrinkles its nose does not gape.
YIELDS = {
    (1, 4): 0.6,
    (7, 5): 0.5,
    (7, 26): 0.6,
    (9, 5): 0.3,
    (9, 25): 0.45,
    (9, 26): 0.2,
    (9, 27): 0.2,
    (10, 26): 0.6,
    (20, 26): 0.7,
    (20, 27): 0.5,
    (23, 26): 0.5,
}


@dataclass(frozen=True)
class Animation:
    """A picture to draw."""

    id: str
    portrait: Path
    person: str
    label: str
    split: str
    aus: Mapping[int, tuple[float, float]]  # AU -> its intensity at the subject's right and left side
    key: tuple[int, ...]  # of the picture's random streams


def plan(
    expressions: Mapping[str, Sequence[int]], portraits: Mapping[str, Sequence[Path]], seed: int, images_per_class: int
) -> list[Animation]:
    """Plan the same number of pictures of every expression for every person, cycling over the person's portraits.

    Args:
        expressions: The AUs of every expression, by label. An expression without AUs is a resting face.
        portraits: The portraits of every person.
        seed: Decides the splits and everything random in the pictures.
        images_per_class: Number of pictures per person and expression. More pictures do not change the earlier ones.

    Returns:
        The pictures, ordered by person, label and number.
    """
    splits = split_people(sorted(portraits), seed)
    known = sorted({au for aus in expressions.values() for au in aus})
    animations = []
    for person, paths in sorted(portraits.items()):
        for label, listed in expressions.items():
            offset = zlib.crc32(label.encode())  # so that an expression is not tied to a portrait
            for number in range(images_per_class):
                key = (seed, zlib.crc32(f"{person}-{label}-{number}".encode()))
                rng = np.random.default_rng((*key, 0))
                aus = _draw_aus(listed, rng) if listed else _resting_aus(known, rng)
                portrait = paths[(number + offset) % len(paths)]
                name = f"{person}-{label}-{number}"
                animations.append(Animation(name, portrait, person, label, splits[person], aus, key))
    return animations


def split_people(people: Sequence[str], seed: int) -> dict[str, str]:
    """Give every person one split; the seed shuffles the people."""
    order = np.random.default_rng(seed).permutation(len(people))
    held_out = ["test"] * TEST_PEOPLE + ["validation"] * VALIDATION_PEOPLE
    return {people[i]: held_out[rank] if rank < len(held_out) else "train" for rank, i in enumerate(order)}


def _draw_aus(listed: Sequence[int], rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """A random majority of the AUs that can be seen together, each with its two intensities."""
    compatible: list[int] = []
    for au in rng.permutation(listed).tolist():
        if not any(frozenset((au, other)) in EXCLUSIVE for other in compatible):
            compatible.append(au)
    droppable = [au for au in compatible if au not in CARRIERS and rng.random() < DROP_PROBABILITY]
    dropped = droppable[: (len(compatible) - 1) // 2]
    kept = sorted(set(compatible) - set(dropped))
    return {au: _sides(rng.uniform(*INTENSITY) * _share(au, kept), rng) for au in kept}


def _share(au: int, beside: Sequence[int]) -> float:
    """The share of an AU that the strongest of the other AUs leave."""
    return min(YIELDS.get((other, au), 1.0) for other in beside)


def _resting_aus(known: Sequence[int], rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """Two stray AUs, barely visible: a resting face is never quite still."""
    stray = rng.choice(known, size=min(2, len(known)), replace=False).tolist()
    return {au: _sides(rng.uniform(0, RESTING_INTENSITY), rng) for au in sorted(stray)}


def _sides(intensity: float, rng: np.random.Generator) -> tuple[float, float]:
    right, left = intensity * rng.normal(1, ASYMMETRY, size=2)
    return float(right), float(left)
