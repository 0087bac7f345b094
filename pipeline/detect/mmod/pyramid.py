"""An image at all sizes in one tiled image, each size 5/6 of the size before (dlib/image_transforms/image_pyramid.h).

The network's windows reach beyond the edges of a tile. Therefore each tile has to lie where dlib puts it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

NUMBER = 6  # of dlib's pyramid_down<6>: a level has 5/6 of the length of the level before
SMALLEST = 5  # pixels of height
BETWEEN, AROUND = 10, 11  # pixels of border between tiles, and around all of them (dlib/dnn/input.h)
SHIFT = 0.3  # pixels by which point_up moves a point


class Tile(NamedTuple):
    """The place of a level in the tiled image, in pixels."""

    top: int
    left: int
    height: int
    width: int


def tiled(image: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, list[Tile]]:
    """Lay an image out at all sizes.

    Args:
        image: RGB (h, w, 3), uint8.
        means: Means (3,) to subtract, float32.

    Returns:
        The tiled image (height, width, 3), float32, and the tiles, the largest first.
    """
    tiles = tiles_of(*image.shape[:2])
    bottom = max(tile.top + tile.height for tile in tiles)
    canvas = np.zeros((bottom + AROUND, image.shape[1] + 2 * AROUND, 3), np.float32)
    level = (image - means) / np.float32(256)  # to_tensor of input_rgb_image_pyramid in dlib/dnn/input.h
    for top, left, height, width in tiles:
        level = _resized(_resized(level, height, axis=0), width, axis=1)
        canvas[top : top + height, left : left + width] = level
    return canvas, tiles


def tiles_of(height: int, width: int) -> list[Tile]:
    """Place the levels of an image (compute_tiled_image_pyramid_details).

    The first levels stand below each other at the left. The others stand above each other at the right, from the bottom up.
    Those that would meet the first level are left out.

    Args:
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Returns:
        The tiles, the largest first.
    """
    sizes, rate = [(height, width)], (NUMBER - 1) / NUMBER
    high, wide = int(rate * height), int(rate * width)
    while high >= SMALLEST and wide:
        sizes.append((high, wide))
        high, wide = int(rate * high), int(rate * wide)
    at_left = _number_at_left(sizes)
    tiles, top = [], AROUND
    for high, wide in sizes[:at_left]:
        tiles.append(Tile(top, AROUND, high, wide))
        top += high + BETWEEN
    bottom = top - BETWEEN
    for high, wide in sizes[at_left:]:
        tile = Tile(bottom - high, AROUND + width - wide, high, wide)
        if tile.top < AROUND + height and tile.left < AROUND + width:
            break
        tiles.append(tile)
        bottom = tile.top - BETWEEN
    return tiles


def _number_at_left(sizes: Sequence[tuple[int, int]]) -> int:
    """Count the levels at the left: half of the height below the first level, and until the next fits beside the last.

    dlib compares lengths without a sign. So a level also "fits" where the last leaves less than nothing.
    """
    (first_height, first_width), total = sizes[0], sum(high + BETWEEN for high, _ in sizes) - 2 * BETWEEN
    so_far = first_height + BETWEEN
    for number, ((_, before), (high, wide)) in enumerate(pairwise(sizes), start=1):
        room = first_width - before - BETWEEN
        if (room < 0 or wide <= room) and (so_far - first_height) * 2 >= total - first_height:
            return number
        so_far += high + BETWEEN
    return len(sizes)


def _resized(image: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Resize along one axis by linear interpolation (resize_image in dlib/image_transforms/interpolation.h)."""
    before = image.shape[axis]
    if length == before:
        return image
    places = np.arange(length) * ((before - 1) / max(length - 1, 1))
    first = np.minimum(places.astype(int), before - 1)
    share = (places - first).astype(np.float32).reshape(-1, *(1,) * (2 - axis))
    pixels = image.take(first, axis)
    further = image.take(np.minimum(first + 1, before - 1), axis)
    further -= pixels
    further *= share
    pixels += further
    return pixels


def to_image(centres: np.ndarray, boxes: np.ndarray, tiles: Sequence[Tile]) -> np.ndarray:
    """Move boxes from the tiled image to the image (tiled_pyramid_to_image).

    Args:
        centres: Centres (n, 2) of the boxes as (x, y) in pixels of the tiled image.
        boxes: Boxes (n, 4) as (left, top, right, bottom) in pixels of the tiled image, float64.
        tiles: The tiles.

    Returns:
        The boxes (n, 4) in pixels of the image, float64.
    """
    corners = np.array([(tile.left, tile.top) for tile in tiles])
    ends = corners + [(tile.width - 1, tile.height - 1) for tile in tiles]
    beyond = centres[:, None] - np.clip(centres[:, None], corners, ends)  # (n, tiles, 2)
    levels = (beyond**2).sum(axis=2).argmin(axis=1)  # the nearest tile
    boxes = boxes - np.tile(corners[levels], 2)
    for level in range(1, len(tiles)):
        above = levels >= level
        boxes[above] = boxes[above] * (NUMBER / (NUMBER - 1)) + SHIFT
    return boxes
