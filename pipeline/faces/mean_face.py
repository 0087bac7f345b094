"""The 68 landmarks of a calm, symmetric face, as fractions of an aligned crop (``mean_face.csv``).

They are the mean over the calm portraits of the 36 people of the demo (AT&T Laboratories Cambridge), one face per person,
made symmetric.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np


@cache
def mean_face() -> np.ndarray:
    """Read the landmarks of the mean face.

    Returns:
        Points (68, 2) float64 as (x, y) in fractions of the crop's side, origin top left. The array is shared and read-only.
    """
    with Path(__file__).with_name("mean_face.csv").open(encoding="utf-8", newline="") as stream:
        points = np.array([[float(row["x"]), float(row["y"])] for row in csv.DictReader(stream)])
    points.flags.writeable = False
    return points
