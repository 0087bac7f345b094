"""A calm, symmetric face: the 68 landmarks of ``mean_face.csv``, as fractions of an aligned crop.

They are the mean over the calm portraits of the demo's 36 people (AT&T Laboratories Cambridge), one face per person, made
symmetric.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np


@cache
def mean_face() -> np.ndarray:
    """Read the landmarks.

    Returns:
        Points (68, 2) as (x, y) in fractions of the crop's side, origin top left. Do not change the array: it is shared.
    """
    with open(Path(__file__).with_name("mean_face.csv"), encoding="utf-8", newline="") as stream:
        points = np.array([[float(row["x"]), float(row["y"])] for row in csv.DictReader(stream)])
    points.flags.writeable = False
    return points
