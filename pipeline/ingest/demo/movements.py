"""Read the tables that say how each action unit (AU) moves the landmarks of a face and folds its skin.

The tables are in the face's frame: one unit is the inter-ocular distance, and x runs from the image's left eye to its right
eye, y down. Landmarks are the 68 iBUG/dlib points, 0-based.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.runtime.errors import InputError

Stroke = tuple[tuple[int, float, float], ...]  # (landmark, dx, dy) per vertex


@dataclass(frozen=True)
class Movements:
    """The effect of each AU at intensity 1."""

    shifts: Mapping[int, np.ndarray]  # AU -> (68, 2)
    folds: Mapping[int, tuple[tuple[Stroke, float], ...]]  # AU -> strokes, each with the share of light that it takes


def load_movements(shifts_csv: Path, folds_csv: Path) -> Movements:
    """Read the landmark shifts and the skin folds of all AUs.

    Args:
        shifts_csv: Table with the columns au, landmarks, dx, dy. The shifts of a landmark add up.
        folds_csv: Table with the columns au, stroke, depth.

    Raises:
        InputError: If a table cannot be read, with the line and the fix.
    """
    return Movements(_read_shifts(shifts_csv), _read_folds(folds_csv))


def _read_shifts(table: Path) -> dict[int, np.ndarray]:
    shifts: dict[int, np.ndarray] = {}
    for where, row in rows(table, ("au", "landmarks", "dx", "dy")):
        try:
            points = [int(index) for index in row["landmarks"].split()]
            shift = shifts.setdefault(int(row["au"]), np.zeros((68, 2)))
            step = float(row["dx"]), float(row["dy"])
        except ValueError as error:
            raise InputError(f"{where}: {error}: write a number there") from None
        _check_landmarks(points, where)
        shift[points] += np.array(step)
    return shifts


def _read_folds(table: Path) -> dict[int, tuple[tuple[Stroke, float], ...]]:
    folds: dict[int, list[tuple[Stroke, float]]] = {}
    for where, row in rows(table, ("au", "stroke", "depth")):
        try:
            vertices = [vertex.split() for vertex in row["stroke"].split(";")]
            stroke = tuple((int(index), float(dx), float(dy)) for index, dx, dy in vertices)
            folds.setdefault(int(row["au"]), []).append((stroke, float(row["depth"])))
        except ValueError as error:
            raise InputError(f"{where}: {error}: write 'landmark dx dy; landmark dx dy; ...'") from None
        _check_landmarks([vertex[0] for vertex in stroke], where)
    return {au: tuple(strokes) for au, strokes in folds.items()}


def _check_landmarks(points: list[int], where: str) -> None:
    if not points or not all(0 <= point <= 67 for point in points):
        raise InputError(f"{where} names landmarks {points}; use one or more of 0 to 67")
