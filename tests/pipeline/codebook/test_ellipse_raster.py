from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from pipeline.codebook.ellipse_raster import EMPTY_RADIUS, EXACT_RADIUS, SMALL_FRAME, PixelRuns, fill
from pipeline.codebook.grid import Grid


def filled(rx, ry, runs):
    """The ellipse that a table of runs holds, (2 ry + 3, 2 rx + 5)."""
    (middle,), first, count = runs.lookup(np.array([rx]), np.array([ry]))
    canvas = np.zeros((2 * ry + 3, 2 * rx + 5), np.uint8)
    for row, index in enumerate(range(middle - ry - 1, middle + ry + 2)):
        canvas[row, first[index] + rx + 2 :][: count[index]] = 1
    return canvas


@pytest.mark.parametrize("radii", [(0, 0), (0, 9), (20, 20), (3, 40), (EXACT_RADIUS, EXACT_RADIUS)])
def test_runs_are_the_pixels_that_opencv_fills(radii):
    rx, ry = radii
    canvas = np.zeros((2 * ry + 3, 2 * rx + 5), np.uint8)
    cv2.ellipse(canvas, (rx + 2, ry + 1), radii, 0, 0, 360, 1, -1)
    np.testing.assert_array_equal(filled(rx, ry, PixelRuns()), canvas)


def test_nothing_has_no_pixel():
    (middle,), _, count = PixelRuns().lookup(np.array([EMPTY_RADIUS]), np.array([EMPTY_RADIUS]))
    assert count[middle - 1 : middle + 2].tolist() == [0, 0, 0]


def test_threads_share_one_table(rng):
    runs, pairs = PixelRuns(), rng.integers(0, 30, (400, 2)).tolist()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: filled(*pair, runs), pairs))
    for pair, canvas in zip(pairs, together, strict=True):
        np.testing.assert_array_equal(canvas, filled(*pair, PixelRuns()), err_msg=str(pair))


@pytest.mark.parametrize("shared", [True, False])
def test_ellipses_that_a_small_frame_cuts_are_those_of_opencv(shared):
    """Each face reads its own column of the grid where faces have their own, and the one column otherwise."""
    heights = [90, 90, 90] if shared else [90, SMALL_FRAME, 70]
    sizes = np.array([[90.0] * 3, heights])
    centre, radii = np.array([[2.0, 45.0, 88.0], [40.0, 3.0, 60.0]]), np.full((2, 3), 20.0)
    step = np.array([[1.0]]) if shared else np.array([[1.0, 1.0, 0.5]])  # the faces' rows lie at different places
    x, y = np.arange(90.0)[:, None], np.floor(np.arange(60)[:, None] * step)
    values = np.zeros((60, 90, 3), bool)
    fill(values, centre, radii, np.ones(3, bool), sizes, Grid(x, y), np.maximum)
    for face, height in enumerate(heights):
        canvas = np.zeros((height, 90), np.uint8)
        cv2.ellipse(canvas, centre[:, face].astype(int).tolist(), (20, 20), 0, 0, 360, 1, -1)
        rows = y[:, 0 if shared else face].astype(int)
        np.testing.assert_array_equal(values[:, :, face], canvas[rows], err_msg=f"face {face}")
