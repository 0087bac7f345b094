import pytest

from pipeline.faces import boxes


@pytest.mark.parametrize("box", [(1.0, 2.0, 3.0, 4.0), (-5.25, 0.0, 1e6 + 0.125, 12345.678)])
def test_written_boxes_are_read_back(box):
    assert boxes.parse_box(boxes.format_box(box)) == box


@pytest.mark.parametrize("text", ["", "1 2 3", "1 2 3 4 5", "1,2,3,4", "1 2 3 inf", "3 2 1 4", "1 4 2 4"])
def test_what_is_no_box_is_named(text):
    with pytest.raises(ValueError, match="box ") as caught:
        boxes.parse_box(text)
    assert repr(text) in str(caught.value)


def test_centre_and_area():
    assert boxes.centre((10, 20, 30, 60)) == (20, 40)
    assert boxes.area((10, 20, 30, 60)) == 800


@pytest.mark.parametrize(
    ("size", "box", "seen"),
    [
        ((1, 1), (0, 0, 1, 1), "1 x 1"),
        ((500, 1), (0, 0, 1, 500), "1 x 500"),
        ((400, 400), (100, 100, 102, 102), "2 x 2"),
        ((400, 400), (-50, 10, 12, 80), "12 x 70"),  # hardly any of it is in the photo
        ((400, 400), (390, 390, 460, 460), "10 x 10"),
        ((19, 19), (0, 0, 19, 19), "19 x 19"),
    ],
)
def test_a_box_that_shows_few_pixels_is_too_small(size, box, seen):
    reason = boxes.smallness(box, size[::-1])
    assert reason == f"the face is only {seen} pixels, too few for landmarks: they need 20 x 20"


@pytest.mark.parametrize("box", [(0, 0, 20, 20), (-4.4, -3, 20.4, 25), (10, 10, 40, 40)])
def test_a_box_that_shows_enough_is_not(box):
    assert boxes.smallness(box, (48, 48)) == ""
