"""Pictures of a codebook: every expression, or every action unit, as its heatmap over a face."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.codebook import Codebook
from pipeline.codebook.renderer import render_cues, to_frame
from pipeline.codebook.schema import ExpressionAU, split
from pipeline.faces.mean_face import mean_face
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic
from pipeline.shards import ShardSet

SIDE = 224  # pixels of a drawn face
LINES = (  # of the 68 landmarks
    *(range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36)),
    *((*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48), (*range(60, 68), 60)),
)
COLUMNS = 4
NEAR = (24, 12)  # pixels between labels, across and down


def mean_landmarks() -> np.ndarray:
    """The mean face's landmarks (68, 2) in pixels of a frame of SIDE."""
    return mean_face() * SIDE - 0.5


def expressions_of(book: Codebook) -> dict[str, tuple[ExpressionAU, ...]]:
    """A panel for each expression that has a map."""
    return {name: cues for name, cues in book.cues.items() if cues}


def action_units_of(book: Codebook) -> dict[str, tuple[ExpressionAU, ...]]:
    """A panel for each action unit."""
    whole = [key for key in book.regions if not split(key)[1] or str(split(key)[0]) not in book.regions]
    return {f"{key} {book.names[split(key)[0]]}": (ExpressionAU(au=key),) for key in whole}


def draw(
    book: Codebook,
    panels: dict[str, tuple[ExpressionAU, ...]],
    faces: Sequence[tuple[np.ndarray | None, np.ndarray]],
    path: Path,
) -> None:
    """Write a PNG with a row of panels per face; faces are (image (SIDE, SIDE, 3) RGB or None, landmarks (68, 2))."""
    from matplotlib.figure import Figure  # slow to import

    columns = len(panels) if len(faces) > 1 else min(COLUMNS, len(panels))
    rows = len(faces) if len(faces) > 1 else -(-len(panels) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.65 * rows + 0.4), layout="constrained")
    axes = np.atleast_2d(figure.subplots(rows, columns, squeeze=False))
    for place in axes.flat:
        place.set_axis_off()
    for row, (image, landmarks) in enumerate(faces):
        for index, (title, cues) in enumerate(panels.items()):
            place = axes[row, index] if len(faces) > 1 else axes[index // columns, index % columns]
            _panel(place, book, cues, image, landmarks)
            if row == 0:
                place.set_title(title, fontsize=9)
    figure.suptitle(f"{book.name} {book.version}", fontsize=10)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def _panel(place, book: Codebook, cues: Sequence[ExpressionAU], image: np.ndarray | None, landmarks: np.ndarray) -> None:
    from matplotlib import patheffects

    frame = to_frame(landmarks[None], SIDE, book.reference_size)
    sizes = np.full((1, 2), float(book.reference_size))
    (heatmap,), (has_map,) = render_cues(frame, sizes, cues, book, size=112)
    place.imshow(np.full((SIDE, SIDE, 3), 255, np.uint8) if image is None else image)
    if has_map:
        opacity = 0.75 * heatmap**0.7
        place.imshow(heatmap, cmap="turbo", vmin=0, vmax=1, alpha=opacity, extent=(-0.5, SIDE - 0.5, SIDE - 0.5, -0.5))
    if image is None:
        for line in LINES:
            place.plot(*landmarks[list(line)].T, color="#444", linewidth=0.8)
    outline = [patheffects.withStroke(linewidth=1.8, foreground="black")]
    for text, (x, y) in _labels(book, cues, frame, sizes).items():
        place.text(x, y, text[0], color="white", fontsize=7, ha="center", va="center", path_effects=outline, clip_on=True)
    place.set_xlim(-0.5, SIDE - 0.5)
    place.set_ylim(SIDE - 0.5, -0.5)


def _labels(
    book: Codebook, cues: Sequence[ExpressionAU], frame: np.ndarray, sizes: np.ndarray
) -> dict[tuple[str, int], tuple[float, float]]:
    """Where each action unit's number is written: the centre of each of its shapes, action units of one place together."""
    numbers: dict[object, list[str]] = {}
    for cue in cues:
        for shape in book.regions[cue.au]:
            numbers.setdefault(shape, []).append(cue.au)
    places: dict[tuple[str, int], tuple[float, float]] = {}
    for index, (shape, keys) in enumerate(numbers.items()):
        alone = replace(book, regions={"0": (shape,)})
        (heatmap,), (drawn,) = render_cues(frame, sizes, [ExpressionAU(au="0")], alone, size=SIDE // 4)
        if not drawn:
            continue
        y, x = ((axis * heatmap).sum() / heatmap.sum() * 4 + 1.5 for axis in np.indices(heatmap.shape))
        while any(abs(x - other[0]) < NEAR[0] and abs(y - other[1]) < NEAR[1] for other in places.values()):
            y += 2
        places[" ".join(keys), index] = (x, y)
    return places


def sample(folder: Path, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """``count`` faces of a shard set, evenly spread over it, as ``draw`` takes them."""
    faces = ShardSet(folder, "faces")
    usable = np.flatnonzero(faces.column("status") == "ok")
    if not usable.size:
        raise InputError(f"{folder} has no face: check `aucue detect`")
    rows = usable[np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int)]
    crops = (cv2.resize(faces.crop(row), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for row in rows)
    landmarks = (to_frame(faces.row("landmarks", row), faces.provenance["crop_size"], SIDE) for row in rows)
    return list(zip(crops, landmarks, strict=True))
