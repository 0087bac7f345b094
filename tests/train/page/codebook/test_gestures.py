"""Drags and keys change a shape's own parameters, and the shape follows the pointer."""

import json

import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import yaml_source
from pipeline.codebook.mirror import MIRRORED
from pipeline.codebook.schema import Document
from pipeline.runtime.errors import InputError
from train.page.codebook.faces import Faces
from train.page.codebook.gestures import Gesture, apply
from train.page.codebook.outlines import outline_region

SHIPPED = [
    (name, key, index)
    for name in codebooks.shipped()
    for key, region in Document.model_validate(yaml_source.read(codebooks.find(name)).content).regions.items()
    for index in range(len(region.shapes))
]


@pytest.fixture(scope="module")
def content_of():
    """The content of a codebook as a browser sends it."""
    return lambda name: json.loads(json.dumps(yaml_source.read(codebooks.find(name)).content))


@pytest.fixture
def do(content_of, settings):
    """Does a gesture, and returns the outlines of the region before and after, and the shape in the new content."""

    def do(name, key, handle, by, index=0, mirrored=False, face="2", key_pressed=False):
        content = content_of(name)
        document = Document.model_validate(content)
        faces = Faces(settings.faces).get(face).batch(document.reference_size, document.render.whole_pixels)
        gesture = Gesture(region=key, index=index, mirrored=mirrored, handle=handle, by=by, key=key_pressed)
        changed = apply(content, document, gesture, faces)
        assert content == content_of(name)
        after = Document.model_validate(changed)
        return [
            {(each.index, each.mirrored): each for each in outline_region(state.regions[key], faces)}
            for state in (document, after)
        ] + [changed["regions"][key]["shapes"][index]]

    return do


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("key", "by"), [("12", (9, -5)), ("6", (0, 7)), ("1", (-4, 0))])
def test_an_ellipse_follows_the_pointer(do, key, by, mirrored):
    before, after, entry = do("facs", key, "body", by, mirrored=mirrored)
    moved = np.subtract(after[0, mirrored].centre, before[0, mirrored].centre)
    assert moved == pytest.approx(by, abs=0.1)
    assert after[0, mirrored].radii == before[0, mirrored].radii
    other = np.subtract(after[0, not mirrored].centre, before[0, not mirrored].centre)
    along = np.array([np.cos(np.radians(8)), np.sin(np.radians(8))])  # the line through the eyes of face 2
    assert other == pytest.approx(np.subtract(by, 2 * along * (along @ by)), abs=0.2)
    assert set(entry["ellipse"]["offset"]["y"]) <= {"iod"}


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_ellipse_that_is_turned_with_two_landmarks_follows_the_pointer(content_of, settings, mirrored):
    content = content_of("facs")
    content["regions"]["12"]["shapes"][0]["ellipse"]["rotation"] = [48, 50]
    document = Document.model_validate(content)
    faces = Faces(settings.faces).get("1").batch(224, whole_pixels=False)
    gesture = Gesture(region="12", index=0, mirrored=mirrored, handle="body", by=(9, -5))
    after = Document.model_validate(apply(content, document, gesture, faces))
    centres = [list(outline_region(state.regions["12"], faces))[mirrored].centre for state in (document, after)]
    assert np.subtract(centres[1], centres[0]) == pytest.approx((9, -5), abs=0.1)


def test_an_ellipse_of_whole_pixels_moves_in_its_units(do):
    before, after, entry = do("belharbi2024", "12", "body", (6, 3), index=1)
    assert entry["ellipse"]["offset"] == {"x": {"px": 6}, "y": {"px": 3}}
    assert np.subtract(after[1, False].centre, before[1, False].centre) == pytest.approx((6, 3))
    assert after[0, False] == before[0, False]
    _, _, entry = do("belharbi2024", "6", "body", (0, 22.4))
    assert entry["ellipse"]["offset"] == {"y": {"height": pytest.approx(1 / 6 + 0.1, abs=1e-4)}}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("handle", "place"), [("rx", 0), ("ry", 1)])
def test_a_radius_follows_its_handle(do, handle, place, mirrored):
    tilt = np.radians(8)  # of face 2
    by = [(np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))][place]
    before, after, entry = do("facs", "12", handle, tuple(6 * np.array(by)), mirrored=mirrored)
    grown = np.subtract(after[0, mirrored].radii, before[0, mirrored].radii)
    assert grown[place] == pytest.approx(6, abs=0.1)
    assert grown[1 - place] == 0
    assert before[0, mirrored].centre == after[0, mirrored].centre
    assert list(entry["ellipse"][handle]) == ["iod"]
    assert "offset" in entry["ellipse"]


def test_a_radius_never_becomes_negative(do):
    before, after, _ = do("facs", "12", "rx", (-500, 0))
    assert after == before
    before, after, _ = do("facs", "4", "width", (-500, 0))
    assert after == before


def test_half_grows_by_plus(do):
    before, after, entry = do("belharbi2024", "23", "rx", (5, 0))
    assert entry["ellipse"]["rx"]["half"] == [48, 54]
    assert after[0, False].radii[0] == pytest.approx(before[0, False].radii[0] + 5, abs=1)  # halves are truncated


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_polygon_moves_to_other_landmarks(do, mirrored):
    before, after, entry = do("facs", "5", "body", (0, 10), mirrored=mirrored)
    assert len(entry["polygon"]["through"]) <= 4
    assert after[0, mirrored].centre[1] > before[0, mirrored].centre[1]
    assert entry["polygon"]["dilate"] == {"iod": 0.11}


def test_a_corner_goes_to_the_landmark_under_the_pointer(do, settings):
    batch = Faces(settings.faces).get("2").batch(224, whole_pixels=False)
    by = tuple(batch.points[30, :, 0] - batch.points[27, :, 0])
    assert do("facs", "4", "landmark 27", by)[2]["polygon"]["through"] == [20, 21, 30, 22, 23]
    assert do("facs", "4", "landmark 27", (1, 1))[2]["polygon"]["through"] == [20, 21, 27, 22, 23]


def test_corners_that_meet_become_one(do, settings):
    batch = Faces(settings.faces).get("2").batch(224, whole_pixels=False)
    by = tuple(batch.points[21, :, 0] - batch.points[20, :, 0])
    assert do("facs", "4", "landmark 20", by)[2]["polygon"]["through"] == [21, 27, 22, 23]


def test_a_key_goes_on_to_the_next_landmark(do):
    assert do("facs", "4", "landmark 27", (0, 2))[2]["polygon"]["through"][2] == 27
    assert do("facs", "4", "landmark 27", (0, 2), key_pressed=True)[2]["polygon"]["through"][2] == 28


def test_a_corner_of_the_mirror_image_changes_the_right_side(do):
    _, _, entry = do("facs", "5", f"landmark {MIRRORED[36]}", (0, 2), mirrored=True, key_pressed=True)
    assert entry["polygon"]["through"][0] != 36
    assert entry["polygon"]["through"][1:] == [37, 38, 39]


def test_a_gaussian_grows_and_moves(do):
    before, after, entry = do("landmarks68", "0", "width", (4, 0))
    assert after[0, False].radii[0] == pytest.approx(before[0, False].radii[0] + 4, abs=0.1)
    assert list(entry["gaussian"]["sigma"]) == ["iod"]
    assert len(do("landmarks68", "0", "body", (0, 30))[2]["gaussian"]["at"]) < 68


@pytest.mark.parametrize(("name", "key", "index"), SHIPPED)
@pytest.mark.parametrize("handle", ["body", "size"])
def test_every_shape_of_every_codebook_takes_a_gesture(do, name, key, index, handle):
    before, after, _ = do(name, key, handle, (6, 4), index=index, key_pressed=True)
    assert after[index, False] != before[index, False]


@pytest.mark.parametrize(
    ("key", "index", "handle", "message"),
    [
        ("99", 0, "body", "region 99 has no shape 1"),
        ("12", 7, "body", "no shape 8"),
        ("12", 0, "tail", "no handle 'tail'"),
        ("4", 0, "landmark 5", "no handle"),
    ],
)
def test_what_is_not_there_is_refused(content_of, settings, key, index, handle, message):
    content = content_of("facs")
    batch = Faces(settings.faces).get("mean").batch(224, whole_pixels=False)
    gesture = Gesture(region=key, index=index, mirrored=False, handle=handle, by=(1, 1))
    with pytest.raises(InputError, match=message):
        apply(content, Document.model_validate(content), gesture, batch)
