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
