from itertools import product

import cv2
import numpy as np
import pytest

from train.explain import FaceExplanation, Unit
from train.explain.answers.photo_faces import PhotoFaces
from train.explain.answers.pictures import ACCENT, BOX, TILE, TITLE, draw_face, overlay, tiles
from train.explain.outputs.picture_files import is_own_picture, picture_name, write_picture

SIDE, CELLS = 64, 8


@pytest.fixture
def face():
    """A red crop. The map is at its top left; AU4's region is at the bottom right."""
    heat = np.zeros((CELLS, CELLS), np.float32)
    heat[:2, :2] = 1
    regions = np.zeros((2, CELLS, CELLS), bool)
    regions[0, 5:7, 5:7] = True
    return FaceExplanation(
        status="ok",
        box=(20.0, 100.0, 60.0, 140.0),
        landmarks=np.full((68, 2), (30.0, 110.0)),
        expression="fear",
        probability=0.75,
        probabilities={"anger": 0.25, "fear": 0.75},
        units=(Unit("4", "Brow Lowerer", 2.5, 0.1, 0.01, "anger"), Unit("12", "Lip", np.nan, np.nan, np.nan, "")),
        crop=np.full((SIDE, SIDE, 3), (200, 0, 0), np.uint8),
        attention=heat,
        class_map=heat[::-1].copy(),
        regions=regions,
        sentence="fear 75 %.",
    )


def is_colour(pixels, colour):
    return (np.abs(pixels.astype(int) - colour).max(axis=-1) < 12).nonzero()


def test_a_picture_has_a_tile_for_each_view(face):
    photo = np.full((200, 100, 3), (0, 0, 200), np.uint8)
    assert [tile.shape for tile in tiles(draw_face(face, photo))] == [(TITLE + TILE, TILE, 3)] * 5
    assert len(tiles(draw_face(face))) == 4
    for with_photo, alone in zip(tiles(draw_face(face, photo))[1:], tiles(draw_face(face)), strict=True):
        np.testing.assert_array_equal(with_photo, alone)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_box_lies_on_the_face_in_the_photo(face, scale):
    photo = np.full((int(200 * scale), int(100 * scale), 3), (0, 0, 200), np.uint8)
    tile = tiles(draw_face(face, photo, scale))[0][TITLE:]
    rows, columns = is_colour(tile, BOX)
    fit, left = TILE / 200, (TILE - TILE / 2) / 2  # a photo twice as high as wide stands in the middle of its tile
    expected = [100 * fit, 140 * fit, left + 20 * fit, left + 60 * fit]
    np.testing.assert_allclose([rows.min(), rows.max(), columns.min(), columns.max()], expected, atol=2)


def test_maps_lie_where_the_face_is_and_colours_are_rgb(face):
    attention, class_map, units, bars = (tile[TITLE:].astype(int) for tile in tiles(draw_face(face)))
    assert attention[20, 20, 1] > attention[-20, 20, 1] + 60  # viridis ends in yellow
    assert class_map[-20, 20, 1] > class_map[20, 20, 1] + 60
    assert (units[150, 20] == (200, 0, 0)).all()
    changed = (np.abs(units[100:] - (200, 0, 0)).max(axis=-1) > 20).nonzero()  # the outline, below the legend
    cell = TILE / CELLS
    edges = [changed[0].min() + 100, changed[0].max() + 100, changed[1].min(), changed[1].max()]
    np.testing.assert_allclose(edges, [5 * cell, 7 * cell, 5 * cell, 7 * cell], atol=4)
    _, columns = is_colour(bars, ACCENT)
    assert columns.max() == pytest.approx(8 + 0.75 * (TILE - 16), abs=2)


def test_an_overlay_keeps_the_face_s_colour():
    red = np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8)
    blue = np.full((SIDE, SIDE, 3), (0, 0, 255), np.uint8)
    nothing = np.zeros((CELLS, CELLS))
    difference = overlay(red, nothing, 40).astype(int) - overlay(blue, nothing, 40)
    assert difference[..., 0].min() > 100
    assert difference[..., 2].max() < -100


def test_a_file_holds_the_picture(face, tmp_path):
    photo = np.full((200, 100, 3), (0, 0, 200), np.uint8)
    path = tmp_path / "pictures" / picture_name("a/b c.jpg", None, 1)
    write_picture(path, face, PhotoFaces([], photo, 1.0))
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], face.picture(photo))
    assert not is_own_picture(path)
    (tmp_path / "explanations.csv").write_text("")
    assert is_own_picture(path)
    assert not is_own_picture(path.with_name("b_c.png"))


def test_names_tell_photos_apart():
    all_of = product(("a/x.jpg", "b/x.jpg"), (None, 0, 1), (1, 2))
    names = {picture_name(source, frame, face) for source, frame, face in all_of}
    assert len(names) == 12
    assert all(name.startswith("x-") for name in names)
    assert picture_name("<é 表>.jpg", 3, 1).startswith("_é_表_-")
