from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from pipeline.codebook.ellipse_raster import EXACT_RADIUS, NOTHING, PixelRuns, hull


def filled(rx, ry, runs):
    """The ellipse that a table of runs holds, (2 ry + 3, 2 rx + 5)."""
    (middle,), first, count = runs.of(np.array([rx]), np.array([ry]))
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
    (middle,), _, count = PixelRuns().of(np.array([NOTHING]), np.array([NOTHING]))
    assert count[middle - 1 : middle + 2].tolist() == [0, 0, 0]


def test_threads_share_one_table(rng):
    runs, pairs = PixelRuns(), rng.integers(0, 30, (400, 2)).tolist()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: filled(*pair, runs), pairs))
    for pair, canvas in zip(pairs, together, strict=True):
        np.testing.assert_array_equal(canvas, filled(*pair, PixelRuns()), err_msg=str(pair))


def test_hull_holds_all_but_empty_windows():
    empty = (slice(0, 0), slice(3, 9))
    assert hull([(slice(2, 4), slice(5, 6)), empty, (slice(3, 8), slice(1, 2))]) == (slice(2, 8), slice(1, 6))
    assert hull([empty]) == hull([]) == (slice(0, 0), slice(0, 0))
