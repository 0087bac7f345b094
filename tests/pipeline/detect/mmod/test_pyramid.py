from itertools import pairwise

import numpy as np
import pytest

from pipeline.detect.mmod.pyramid import AROUND, BETWEEN, Tile, tiled, tiles_of, to_image

SIZES = [(128, 128), (129, 75), (75, 129), (400, 31), (31, 400), (5, 5), (1, 7), (1000, 800)]


@pytest.mark.parametrize("size", SIZES)
def test_tiles_do_not_overlap(size):
    tiles = tiles_of(*size)
    assert tiles[0] == Tile(AROUND, AROUND, *size)
    taken = np.zeros((sum(size) * 5 + 300, size[1] + 2 * AROUND), int)
    for tile in tiles:
        taken[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert taken.max() == 1
    assert taken.sum() == sum(tile.height * tile.width for tile in tiles)  # none reaches beyond the tiled image
    assert not taken[:AROUND].any()
    assert not taken[:, :AROUND].any()
    assert not taken[:, -AROUND:].any()


def test_tiles_below_each_other_keep_their_distance():
    first, second = tiles_of(128, 128)[:2]
    assert second == Tile(first.top + first.height + BETWEEN, AROUND, 106, 106)


def test_lengths_have_no_sign_as_in_dlib():
    """The second level of 5 rows would fit below the first, but goes beside it, where it meets it, and is left out."""
    assert tiles_of(7, 128) == [Tile(AROUND, AROUND, 7, 128)]


def test_levels_shrink_by_a_sixth():
    sizes = [(tile.height, tile.width) for tile in tiles_of(128, 100)]
    assert sizes[:4] == [(128, 100), (106, 83), (88, 69), (73, 57)]
    assert sizes[-1][0] >= 5


def interpolated(image, length, axis):
    """Resize along an axis; the first and the last pixels stay where they are."""
    places = np.linspace(0, image.shape[axis] - 1, length)
    return np.apply_along_axis(lambda line: np.interp(places, np.arange(len(line)), line), axis, image)


@pytest.mark.parametrize("size", SIZES)
def test_each_level_interpolates_the_level_before(size):
    means = np.array([120, 110, 100], np.float32)
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    canvas, tiles = tiled(image, means)
    levels = [canvas[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] for tile in tiles]
    np.testing.assert_allclose(levels[0], (image - means) / 256, atol=1e-6)
    for before, level in pairwise(levels):
        expected = interpolated(interpolated(before, level.shape[0], 0), level.shape[1], 1)
        np.testing.assert_allclose(level, expected, atol=1e-5)
    assert np.count_nonzero(canvas) <= sum(level.size for level in levels)


def test_boxes_return_from_their_tile():
    tiles = tiles_of(128, 128)
    boxes = np.array([[tile.left, tile.top, tile.left + tile.width - 1, tile.top + tile.height - 1] for tile in tiles[:8]])
    centres = (boxes[:, :2] + boxes[:, 2:]) // 2
    moved = to_image(centres, boxes.astype(float), tiles)
    np.testing.assert_allclose(moved[0], [0, 0, 127, 127])
    np.testing.assert_allclose(moved[1], [0.3, 0.3, 105 * 1.2 + 0.3, 105 * 1.2 + 0.3])
    np.testing.assert_allclose(moved[:, 2:], 127, atol=12)  # each level is the whole image; its size is rounded down
    np.testing.assert_allclose(moved[:, :2], 0, atol=8)


def test_box_beside_all_tiles_belongs_to_the_nearest():
    tiles = [Tile(11, 11, 60, 60), Tile(81, 11, 50, 50)]
    centres = np.array([[40, 74], [40, 77], [40, 140]])
    moved = to_image(centres, np.zeros((3, 4)), tiles)
    assert moved[:, 1].tolist() == pytest.approx([-11, -81 * 1.2 + 0.3, -81 * 1.2 + 0.3])
