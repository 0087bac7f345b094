"""Pictures of a codebook: every expression, or every action unit, as its heatmap over a face."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.codebook.codebook import Codebook
from pipeline.codebook.geometry import Shape
from pipeline.codebook.rendering.renderer import render_cues, to_frame
from pipeline.codebook.schema import ExpressionAU, split_key
from pipeline.faces.mean_face import mean_face
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet

if TYPE_CHECKING:  # slow to import
    from matplotlib.axes import Axes

DPI = 110
SIDE = 224  # pixels of a drawn face
FACE_LINES = (  # through the 68 landmarks
    *(range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36)),
    *((*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48), (*range(60, 68), 60)),
)
COLUMNS = 4  # panels in a row, for one face
LABEL_DISTANCE = (24, 12)  # pixels between labels, across and down

Cues = Sequence[ExpressionAU]


def mean_landmarks() -> np.ndarray:
    """Read the mean face's landmarks, (68, 2) in pixels of a frame of SIDE."""
    return mean_face() * SIDE - 0.5


def expression_panels(book: Codebook) -> dict[str, Cues]:
    """Make the panels of a codebook, one for each expression that has a map: its title and its cues."""
    return {name: cues for name, cues in book.cues.items() if cues}


def action_unit_panels(book: Codebook) -> dict[str, Cues]:
    """Make the panels of a codebook, one for each action unit: its title and its cue."""
    return {f"{key} {book.names[split_key(key)[0]]}": (ExpressionAU(au=key),) for key in book.whole_keys}


def draw(
    book: Codebook, panels: Mapping[str, Cues], faces: Sequence[tuple[np.ndarray | None, np.ndarray]], path: Path
) -> None:
    """Write a PNG with a row of panels for each face.

    Args:
        book: Codebook to draw.
        panels: Title and cues of each panel.
        faces: Image (SIDE, SIDE, 3) RGB, or None for a white one, and landmarks (68, 2) in its pixels, of each face. The
            panels of a single face fill rows of COLUMNS.
        path: PNG to write.
    """
    from matplotlib.figure import Figure  # slow to import

    columns = len(panels) if len(faces) > 1 else min(COLUMNS, len(panels))
    rows = len(faces) if len(faces) > 1 else -(-len(panels) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.65 * rows + 0.4), layout="constrained")
    axes = np.atleast_2d(figure.subplots(rows, columns, squeeze=False))
    for panel in axes.flat:
        panel.set_axis_off()
    for row, (image, landmarks) in enumerate(faces):
        for index, (title, cues) in enumerate(panels.items()):
            panel = axes[row, index] if len(faces) > 1 else axes[index // columns, index % columns]
            _draw_panel(panel, book, cues, image, landmarks)
            if row == 0:
                panel.set_title(title, fontsize=9)
    figure.suptitle(f"{book.name} {book.version}", fontsize=10)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def _draw_panel(panel: "Axes", book: Codebook, cues: Cues, image: np.ndarray | None, landmarks: np.ndarray) -> None:
    """Draw one heatmap over a face, with the number of each action unit."""
    from matplotlib import patheffects

    frame = to_frame(landmarks[None], SIDE, book.reference_size)
    sizes = np.full((1, 2), float(book.reference_size))
    (heatmap,), (has_map,) = render_cues(frame, sizes, cues, book, size=112)
    panel.imshow(np.full((SIDE, SIDE, 3), 255, np.uint8) if image is None else image)
    if has_map:
        opacity = 0.75 * heatmap**0.7
        panel.imshow(heatmap, cmap="turbo", vmin=0, vmax=1, alpha=opacity, extent=(-0.5, SIDE - 0.5, SIDE - 0.5, -0.5))
    if image is None:
        for line in FACE_LINES:
            panel.plot(*landmarks[list(line)].T, color="#444", linewidth=0.8)
    outline = [patheffects.withStroke(linewidth=1.8, foreground="black")]
    for text, (x, y) in place_labels(book, cues, frame, sizes):
        panel.text(x, y, text, color="white", fontsize=7, ha="center", va="center", path_effects=outline, clip_on=True)
    panel.set_xlim(-0.5, SIDE - 0.5)
    panel.set_ylim(SIDE - 0.5, -0.5)


def place_labels(
    book: Codebook, cues: Cues, landmarks: np.ndarray, sizes: np.ndarray
) -> list[tuple[str, tuple[float, float]]]:
    """Place the number of each action unit at the centre of each of its shapes, LABEL_DISTANCE apart.

    Args:
        book: Codebook with the shapes.
        cues: Action units to label. Those that share a shape share a label.
        landmarks: Landmarks of one face, (1, 68, 2) in pixels of the codebook's reference frame.
        sizes: (height, width) of that frame, (1, 2).

    Returns:
        Text and (x, y) in pixels of a frame of SIDE, of each label.
    """
    keys_by_shape: dict[Shape, list[str]] = {}
    for cue in cues:
        for shape in book.regions[cue.au]:
            keys_by_shape.setdefault(shape, []).append(cue.au)
    labels: list[tuple[str, tuple[float, float]]] = []
    for shape, keys in keys_by_shape.items():
        alone = replace(book, regions={"0": (shape,)})
        (heatmap,), (has_map,) = render_cues(landmarks, sizes, [ExpressionAU(au="0")], alone, size=SIDE // 4)
        if not has_map:
            continue
        y, x = ((axis * heatmap).sum() / heatmap.sum() * 4 + 1.5 for axis in np.indices(heatmap.shape))
        while any(abs(x - other[0]) < LABEL_DISTANCE[0] and abs(y - other[1]) < LABEL_DISTANCE[1] for _, other in labels):
            y += 2
        labels.append((" ".join(keys), (x, y)))
    return labels


def sample_faces(folder: Path, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Choose faces of a shard set, evenly spread over it.

    Args:
        folder: Folder of face shards.
        count: How many faces; all if the set has fewer.

    Returns:
        Image and landmarks of each face, as ``draw`` takes them.

    Raises:
        InputError: If the set has no face.
    """
    faces = ShardSet(folder, "faces")
    usable = np.flatnonzero(faces.column("status") == Status.OK)
    if not usable.size:
        raise InputError(f"{folder} has no face: check `aucue detect`")
    rows = usable[np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int)]
    crops = (cv2.resize(faces.crop(row), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for row in rows)
    landmarks = (to_frame(faces.row("landmarks", row), faces.provenance["crop_size"], SIDE) for row in rows)
    return list(zip(crops, landmarks, strict=True))
