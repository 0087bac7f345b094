"""The panels of pictures on the page: mean maps per expression, and single test faces under their maps."""

from collections import Counter
from typing import TypedDict

import numpy as np

from pipeline.runtime.progress import SILENT_SECONDS, progress
from pipeline.shards import ShardSet
from train import VARIANTS
from train.evaluate.figures import format_figure
from train.report.comparison import Evaluations
from train.report.pictures import jpeg_uri, overlay, with_landmarks

TILE, SMALL_TILE = 150, 120  # pixels
NO_UNIT = "0"  # the key of a codebook's region that stands for no action unit


class ExpressionPanel(TypedDict):
    """A row of the page's mean maps. Lists of figures have one per variant."""

    name: str
    faces: int
    units: str  # keys of its action units
    tiles: list[str]  # data URIs: true heatmap, attention of both variants, CAM of both
    att_cos: list[str]
    cam_cos: list[str]


class FacePanel(TypedDict):
    """A row of the page's gallery."""

    id: str
    actual: str
    predicted: list[str]  # one per variant
    tiles: list[str | None]  # data URIs: landmarks, true heatmap (None without one), attention of both variants, CAM of both


def unit_names(evaluations: Evaluations) -> dict[str, str]:
    """Return the names of the action units that were measured, by key."""
    units = evaluations["guided"].details["action_units"]
    return {key: unit["name"] for key, unit in units.items() if key != NO_UNIT}


def expression_panels(evaluations: Evaluations, faces: ShardSet) -> list[ExpressionPanel]:
    """Draw, per expression with a heatmap, its mean maps over the mean of its test faces."""
    guided = evaluations["guided"]
    actual = np.array([face["actual"] for face in guided.predictions])
    listed, units = guided.details["units_of_expression"], unit_names(evaluations)
    panels: list[ExpressionPanel] = []
    for index, name in enumerate(guided.maps["classes"].tolist()):
        if not guided.maps["mean_true"][index].any():
            continue
        members = guided.maps["rows"][actual == name].tolist()
        mean_face = mean_crop(faces, members, f"mean face of {name}")
        maps = [guided.maps["mean_true"][index]]
        maps += [evaluations[variant].maps["mean_attention"][index] for variant in VARIANTS]
        maps += [evaluations[variant].maps["mean_cam"][index] for variant in VARIANTS]
        figures = [evaluations[variant].details["per_expression"][name] for variant in VARIANTS]
        panels.append(
            {
                "name": name,
                "faces": len(members),
                "units": ", ".join(key for key in listed.get(name, ()) if key in units),
                "tiles": [jpeg_uri(overlay(mean_face, _stretched(heatmap)), TILE) for heatmap in maps],
                "att_cos": [format_figure(figure["att_cos"]) for figure in figures],
                "cam_cos": [format_figure(figure["cam_cos"]) for figure in figures],
            }
        )
    return panels


def gallery(evaluations: Evaluations, faces: ShardSet, number: int, seed: int) -> list[FacePanel]:
    """Draw ``number`` test faces, chosen by the seed, about equally many of every class, under all their maps."""
    guided = evaluations["guided"]
    actual = np.array([face["actual"] for face in guided.predictions])
    panels: list[FacePanel] = []
    for index in sorted(choose_faces(actual, number, seed), key=lambda index: (actual[index], index)):
        row = int(guided.maps["rows"][index])
        crop = faces.crop(row)
        maps = [guided.maps["true"][index] if guided.maps["has_map"][index] else None]
        maps += [evaluations[variant].maps["attention"][index] for variant in VARIANTS]
        maps += [evaluations[variant].maps["cam"][index] for variant in VARIANTS]
        pictures: list[np.ndarray | None] = [with_landmarks(crop, faces.row("landmarks", row))]
        pictures += [None if heatmap is None else overlay(crop, heatmap / 255) for heatmap in maps]
        panels.append(
            {
                "id": guided.predictions[index]["id"],
                "actual": actual[index],
                "predicted": [evaluations[variant].predictions[index]["predicted"] for variant in VARIANTS],
                "tiles": [None if picture is None else jpeg_uri(picture, SMALL_TILE) for picture in pictures],
            }
        )
    return panels


def choose_faces(actual: np.ndarray, number: int, seed: int) -> list[int]:
    """Choose faces by a seed: in random order one face of every class, then a second, and so on.

    Args:
        actual: (N,) the class of each face.
        number: Number of faces to choose, if there are so many.
        seed: Decides the order.

    Returns:
        Indices of the faces.
    """
    shuffled = np.random.default_rng(seed).permutation(len(actual))
    earlier: Counter[str] = Counter()  # faces of each class before a face
    rank = np.zeros(len(actual), int)
    for index, name in zip(shuffled.tolist(), actual[shuffled].tolist(), strict=True):
        rank[index] = earlier[name]
        earlier[name] += 1
    return shuffled[np.argsort(rank[shuffled], kind="stable")][:number].tolist()


def mean_crop(faces: ShardSet, rows: list[int], title: str) -> np.ndarray:
    """Average the crops of some rows: (crop_size, crop_size, 3) uint8. One crop at a time is in memory."""
    total = np.zeros(faces.crop(rows[0]).shape, np.int64)
    for row in progress(rows, total=len(rows), title=title, unit="faces", delay=SILENT_SECONDS):
        total += faces.crop(row)
    return (total / len(rows)).astype(np.uint8)


def _stretched(heatmap: np.ndarray) -> np.ndarray:
    """A mean map scaled to [0, 1], so that means of few and of many faces look alike."""
    low, high = heatmap.min(), heatmap.max()
    return (heatmap - low) / (high - low) if high > low else np.zeros_like(heatmap)
